"""Padding by itself: every mode, on any axes, and with less than nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import apart, translated
from torch import nn
from torch.nn.functional import pad

random = np.random.default_rng(0)
LINE = random.standard_normal((2, 4, 9)).astype(np.float32)
IMAGE = random.standard_normal((2, 4, 5, 7)).astype(np.float32)
VOLUME = random.standard_normal((2, 4, 5, 7, 6)).astype(np.float32)


class Padded(nn.Module):
    """As it is told, between two convolutions: where the channels lie last."""

    def __init__(self, *given: object, channels: int = 4, rank: int = 2) -> None:
        super().__init__()
        self.given = given
        self.conv = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[rank](channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return pad(self.conv(x), *self.given)  # type: ignore[arg-type]


AMOUNTS = [(1, 2), (1, 2, 3, 4), (-1, 2, 3, -2), (1, 0, 0, 2, 1, 3), (0, 0, 0, 0, 1, 1), (0, 0, -1, -2), (0, 0)]


@pytest.mark.parametrize("amounts", AMOUNTS)
@pytest.mark.parametrize("value", [0.0, -1.5, float("-inf")])
def test_numbers(amounts: tuple[int, ...], value: float) -> None:
    assert apart(Padded(amounts, "constant", value), IMAGE) < 1e-6 or value == float("-inf")


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    ("rank", "amounts"), [(1, (1, 2)), (1, (3, 0)), (2, (1, 2, 3, 4)), (2, (0, 0, 1, 1)), (3, (1, 2, 0, 3, 2, 1))]
)
def test_borders(mode: str, rank: int, amounts: tuple[int, ...]) -> None:
    assert apart(Padded(amounts, mode, rank=rank), {1: LINE, 2: IMAGE, 3: VOLUME}[rank]) < 1e-6


def test_as_a_layer() -> None:
    source = translated(Padded((1, 2, 0, 3)), IMAGE).source
    assert "layers.ZeroPadding2D(((0, 3), (1, 2)))" in source and "transpose" not in source


def test_in_front_of_a_convolution() -> None:
    """What TensorFlow's models pad at a stride of two is the layer's own padding; what is read twice stays."""
    image = np.concatenate([IMAGE, IMAGE], axis=-1)[:, :, :, :8]
    module = nn.Sequential(nn.ZeroPad2d((0, 1, 1, 1)), nn.Conv2d(4, 6, 3, stride=2))
    source = translated(module, image).source
    assert 'strides=2, padding="same"' in source and "ZeroPadding" not in source
    assert apart(module, image) < 2e-6


class Twice(nn.Module):
    """Reads what is padded in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = pad(x, (1, 1, 2, 0))
        found: torch.Tensor = self.conv(padded) + padded[:, :, 1:-1, 1:-1]
        return found


def test_zeros_that_are_read_elsewhere() -> None:
    assert apart(Twice(), IMAGE) < 2e-6
