"""What moves numbers between channels and places, and what reads a map at computed places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import ROUNDING, apart, translated
from torch import nn
from torch.nn import functional

from homolog.errors import Unsupported

random = np.random.default_rng(0)
DEEP = random.standard_normal((2, 18, 4, 5)).astype(np.float32)
WIDE = random.standard_normal((2, 3, 12, 18)).astype(np.float32)


class Said(nn.Module):
    """A function as a module."""

    def __init__(self, said: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.said = said

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.said(x)


class Read(nn.Module):
    """A map and the places at which it is read."""

    def __init__(self, **settings: object) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, x: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        return functional.grid_sample(x, grid, **self.settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "module",
    [
        nn.PixelShuffle(3),
        nn.Sequential(nn.Conv2d(18, 9, 1), nn.PixelShuffle(3)),
        nn.ChannelShuffle(3),
        nn.Sequential(nn.Conv2d(18, 18, 1), nn.ChannelShuffle(6)),
    ],
)
def test_from_channels(module: nn.Module) -> None:
    assert apart(module, DEEP) < ROUNDING


@pytest.mark.parametrize("module", [nn.PixelUnshuffle(3), nn.Sequential(nn.Conv2d(3, 1, 1), nn.PixelUnshuffle(2))])
def test_to_channels(module: nn.Module) -> None:
    assert apart(module, WIDE) < ROUNDING


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [True, False])
def test_reading(mode: str, padding_mode: str, align_corners: bool) -> None:
    """Most places are inside, some far outside."""
    grid = random.standard_normal((2, 7, 5, 2)).astype(np.float32)
    module = Read(mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    assert apart(module, WIDE, grid) < 2e-5  # a place is rounded before it is read


def test_reading_between_sixteen_points_is_refused() -> None:
    grid = random.standard_normal((2, 7, 5, 2)).astype(np.float32)
    with pytest.raises(Unsupported, match="bicubic"):
        translated(Read(mode="bicubic", align_corners=True), WIDE, grid)


@pytest.mark.parametrize("corners", [True, False])
def test_grids(corners: bool) -> None:
    said = Said(lambda theta: functional.affine_grid(theta, [theta.shape[0], 3, 5, 7], align_corners=corners))
    assert apart(said, random.standard_normal((2, 2, 3)).astype(np.float32)) < ROUNDING


WINDOWS = [
    {"kernel_size": (3, 2), "stride": (3, 2)},
    {"kernel_size": 5, "stride": 5},
    {"kernel_size": 3, "padding": 1, "stride": 2},
    {"kernel_size": (2, 3), "dilation": (2, 1), "padding": (0, 2)},
    {"kernel_size": 4, "stride": 4, "padding": 1},
]


@pytest.mark.parametrize("settings", WINDOWS, ids=str)
def test_unfolding(settings: dict[str, object]) -> None:
    assert apart(nn.Unfold(**settings), WIDE) == 0  # type: ignore[arg-type]
    module = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Unfold(**settings))  # type: ignore[arg-type]
    assert apart(module, WIDE) < ROUNDING


@pytest.mark.parametrize("settings", WINDOWS, ids=str)
def test_folding(settings: dict[str, object]) -> None:
    parts = nn.functional.unfold(torch.tensor(WIDE), **settings).numpy()  # type: ignore[arg-type]
    assert apart(nn.Fold((12, 18), **settings), parts) < ROUNDING  # type: ignore[arg-type]


def test_there_and_back() -> None:
    module = nn.Sequential(nn.Unfold(3, padding=1), nn.Fold((12, 18), 3, padding=1), nn.Conv2d(3, 4, 1))
    assert apart(module, WIDE) < ROUNDING


@pytest.mark.parametrize("size", [2, 3])
def test_local_response(size: int) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.LocalResponseNorm(size, alpha=0.5, k=2))
    assert apart(module, WIDE) < 2 * ROUNDING


@pytest.mark.parametrize("dim", [-1, 3])
def test_a_softmax_among_many_axes(dim: int) -> None:
    """TensorFlow has none over more than five."""
    module = Said(lambda x: torch.softmax(x.view(x.shape[0], 2, 3, 3, 4, 1, 5), dim))
    assert apart(module, DEEP) < ROUNDING
