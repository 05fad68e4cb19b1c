"""Resizing: each way of PyTorch's, to sizes that divide and to those that do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import ROUNDING, apart, translated
from torch.nn.functional import interpolate

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 13, 17)).astype(np.float32)
LINE = IMAGE[:, :, 0]
VOLUME = np.random.default_rng(1).standard_normal((2, 3, 4, 5, 7)).astype(np.float32)


class Resized(torch.nn.Module):
    """As it is told."""

    def __init__(self, **settings: object) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return interpolate(x, **self.settings)  # type: ignore[arg-type]


SIZES = [(26, 34), (39, 34), (20, 30), (7, 9), (13, 40), (1, 1), (13, 17), (1, 34)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "settings",
    [
        {"mode": "nearest"},
        {"mode": "nearest-exact"},
        {"mode": "bilinear"},
        {"mode": "bilinear", "align_corners": True},
        {"mode": "bicubic"},
        {"mode": "bicubic", "align_corners": True},
        {"mode": "bilinear", "antialias": True},
        {"mode": "bicubic", "antialias": True},
        {"mode": "bicubic", "antialias": True, "align_corners": True},
    ],
    ids=lambda settings: "-".join(str(value) for value in settings.values()),
)
def test_images(size: tuple[int, int], settings: dict[str, object]) -> None:
    assert apart(Resized(size=size, **settings), IMAGE) < 2 * ROUNDING  # a place far from the start is rounded too


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
@pytest.mark.parametrize("factor", [2, 3.0, (2.0, 3.0), 1.37, 0.5, 0.43])
@pytest.mark.parametrize("again", [None, True])
def test_factors(mode: str, factor: object, again: bool | None) -> None:
    """A factor that does not give a whole size is kept, unless it is computed again."""
    module = Resized(scale_factor=factor, mode=mode, recompute_scale_factor=again)
    assert apart(module, IMAGE) < 2 * ROUNDING


@pytest.mark.parametrize("size", [34, 40, 9, 17, 51])
@pytest.mark.parametrize(
    "settings", [{"mode": "nearest"}, {"mode": "linear"}, {"mode": "linear", "align_corners": True}]
)
def test_lines(size: int, settings: dict[str, object]) -> None:
    assert apart(Resized(size=size, **settings), LINE) < 2 * ROUNDING


@pytest.mark.parametrize("size", [(8, 10, 14), (5, 3, 9), (4, 5, 7), (2, 5, 14)])
@pytest.mark.parametrize(
    "settings", [{"mode": "nearest"}, {"mode": "trilinear"}, {"mode": "trilinear", "align_corners": True}]
)
def test_volumes(size: tuple[int, int, int], settings: dict[str, object]) -> None:
    assert apart(Resized(size=size, **settings), VOLUME) < 2 * ROUNDING


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scale_factor": 2}, "layers.UpSampling2D(2)"),
        ({"scale_factor": (3, 2)}, "layers.UpSampling2D((3, 2))"),
        ({"scale_factor": 2, "mode": "bilinear"}, 'layers.UpSampling2D(2, interpolation="bilinear")'),
        ({"size": (20, 30), "mode": "bilinear"}, "ops.image.resize(x, (20, 30))"),
        ({"size": (20, 30), "mode": "bicubic", "antialias": True}, 'interpolation="bicubic", antialias=True'),
        ({"size": (20, 34), "mode": "nearest-exact"}, 'interpolation="nearest"'),
    ],
)
def test_words(settings: dict[str, object], words: str) -> None:
    """Keras's own, where they are the same."""
    source = translated(Resized(**settings), IMAGE).source
    assert words in source and "transpose" not in source


def test_each_second_place() -> None:
    found = translated(Resized(size=(13, 8), mode="nearest"), IMAGE[:, :, :, :16])
    assert "[:, :, ::2]" in found.source


def test_as_one_line() -> None:
    """A matrix is written once for each axis, and an axis that stays has none."""
    found = translated(Resized(size=(13, 20), mode="bilinear", align_corners=True), IMAGE)
    assert found.source.count("ops.einsum") == 1
    assert [held.array.shape for held in found.assembled.held.values() if held.array is not None] == [(20, 17)]
