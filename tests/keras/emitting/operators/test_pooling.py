"""Pooling: windows of every setting, cells that overlap, everything at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import ROUNDING, apart, translated
from torch import nn

from homolog.errors import Unsupported

random = np.random.default_rng(0)
INPUTS = {
    1: random.standard_normal((2, 3, 17)).astype(np.float32),
    2: random.standard_normal((2, 3, 13, 17)).astype(np.float32),
    3: random.standard_normal((2, 3, 7, 9, 10)).astype(np.float32),
}

BOTH = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": 4, "stride": 3, "padding": 2},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "stride": 2, "ceil_mode": True},
]
LARGEST = [{"kernel_size": 3, "dilation": 2}, {"kernel_size": 2, "stride": 2, "dilation": 3, "padding": 1}]


def named(settings: dict[str, object]) -> str:
    return "-".join(f"{key}={value}" for key, value in settings.items())


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("settings", [*BOTH, *LARGEST], ids=named)
def test_the_largest(rank: int, settings: dict[str, object]) -> None:
    module = getattr(nn, f"MaxPool{rank}d")(**settings)
    assert "transpose" not in translated(module, INPUTS[rank]).source
    assert apart(module, INPUTS[rank]) == 0


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("settings", BOTH, ids=named)
def test_the_mean(rank: int, counted: bool, settings: dict[str, object]) -> None:
    module = getattr(nn, f"AvgPool{rank}d")(**settings, count_include_pad=counted)
    assert apart(module, INPUTS[rank]) < ROUNDING


def test_uneven_windows() -> None:
    assert apart(nn.AvgPool2d((3, 4), (2, 3), (1, 2), ceil_mode=True), INPUTS[2]) < ROUNDING
    assert apart(nn.MaxPool2d((3, 4), (2, 3), (1, 2), (2, 1), ceil_mode=True), INPUTS[2]) == 0


SIZES: dict[int, list[object]] = {
    1: [1, 5, 17, 20],
    2: [1, (3, 4), (7, 1), (None, 5), (13, 17)],
    3: [1, (2, 4, 3), (7, 3, 5)],
}


@pytest.mark.parametrize(("rank", "size"), [(rank, size) for rank, sizes in SIZES.items() for size in sizes])
@pytest.mark.parametrize("way", ["Avg", "Max"])
def test_cells(way: str, rank: int, size: object) -> None:
    module = getattr(nn, f"Adaptive{way}Pool{rank}d")(size)
    found = translated(module, INPUTS[rank])
    assert "transpose" not in found.source
    assert apart(module, INPUTS[rank]) < ROUNDING


class Settled(nn.Module):
    """With settings that have no module, or a second result."""

    def __init__(self, way: str, **settings: object) -> None:
        super().__init__()
        self.way, self.settings = way, settings

    def forward(self, x: torch.Tensor) -> object:
        return getattr(nn.functional, self.way)(x, **self.settings)


@pytest.mark.parametrize(
    "module",
    [
        Settled("max_pool2d", kernel_size=3, stride=2, return_indices=True),
        Settled("adaptive_max_pool2d", output_size=2, return_indices=True),
        Settled("avg_pool2d", kernel_size=2, divisor_override=3),
    ],
    ids=["places", "places of cells", "another divisor"],
)
def test_refused(module: nn.Module) -> None:
    with pytest.raises(Unsupported, match=r"return_indices|divisor_override"):
        translated(module, INPUTS[2])


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.MaxPool2d(3, 2, 1), "layers.ZeroPadding2D"),
        (nn.AvgPool2d(2), "layers.AveragePooling2D(2)"),
        (nn.AdaptiveAvgPool2d(1), "layers.GlobalAveragePooling2D(keepdims=True)"),
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), "layers.GlobalAveragePooling2D()"),
        (nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(3, 4)), "layers.GlobalMaxPooling2D()"),
    ],
)
def test_words(module: nn.Module, words: str) -> None:
    found = translated(nn.Sequential(nn.ReLU(), module), INPUTS[2]).source
    assert words in found or 'padding="same"' in found
    assert "Flatten" not in found and "reshape" not in found


def test_pooled_and_flattened() -> None:
    module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4))
    assert apart(module, INPUTS[2]) < ROUNDING
