"""Convolutions and transposed ones, with kernels of their own and computed ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.keras.emitting.operators.test_convolution import IMAGE, INPUTS, PLAIN, TRANSPOSED, Standardised, named
from tests.pytorch.emitting.again import ROUNDING, again, apart, drawn
from torch import Tensor, nn


class Last(nn.Module):
    """A layer of a map that has its channels last."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x.movedim(-1, 1)).movedim(1, -1)
        return found


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("settings", PLAIN, ids=named)
def test_convolution(rank: int, settings: dict[str, Any]) -> None:
    if rank == 3 and settings.get("padding_mode") == "reflect":
        pytest.skip("PyTorch has no such convolution of volumes")
    module = getattr(nn, f"Conv{rank}d")(6, 12, **settings)
    assert apart(module, INPUTS[rank]) <= ROUNDING
    assert apart(Last(module), np.moveaxis(INPUTS[rank], 1, -1)) <= ROUNDING


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("settings", TRANSPOSED, ids=named)
def test_transposed(rank: int, settings: dict[str, Any]) -> None:
    module = getattr(nn, f"ConvTranspose{rank}d")(6, 4, **settings)
    assert apart(module, INPUTS[rank]) <= ROUNDING
    assert apart(Last(module), np.moveaxis(INPUTS[rank], 1, -1)) <= ROUNDING


def test_groups_of_transposed_ones() -> None:
    module = nn.ConvTranspose2d(6, 4, 3, groups=2, stride=2)
    assert apart(module, IMAGE) <= ROUNDING
    assert "groups=2" in again(module, IMAGE).source


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 1}, {"groups": 6}, {"padding": "same"}], ids=str)
def test_computed_kernels(settings: dict[str, Any]) -> None:
    assert apart(Standardised(6, 12, 3, **settings), IMAGE) <= ROUNDING


def test_no_permutation_is_left_around_a_layer() -> None:
    text = again(Last(nn.Conv2d(3, 4, 3)), drawn((2, 7, 9, 3))).source
    assert "permute" not in text
    assert "nn.Conv2d(3, 4, kernel_size=3)" in text
