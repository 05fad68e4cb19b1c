"""Padding by itself, and in front of convolutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.keras.emitting.operators.test_padding import AMOUNTS, IMAGE, LINE, VOLUME, Padded, Twice
from tests.pytorch.emitting.again import ROUNDING, again, apart, behind, drawn

INPUTS = {1: LINE, 2: IMAGE, 3: VOLUME}


@pytest.mark.parametrize("amounts", AMOUNTS)
@pytest.mark.parametrize("value", [0.0, -1.5, float("-inf")])
def test_numbers(amounts: tuple[int, ...], value: float) -> None:
    assert apart(Padded(amounts, "constant", value), IMAGE) <= ROUNDING
    behind(lambda x: torch.nn.functional.pad(x, amounts, value=value))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(("rank", "amounts"), [(1, (2, 1)), (2, (1, 2, 3, 0)), (3, (1, 0, 2, 1, 1, 2))])
def test_borders(mode: str, rank: int, amounts: tuple[int, ...]) -> None:
    assert apart(Padded(amounts, mode, rank=rank), INPUTS[rank]) <= ROUNDING


class Front(torch.nn.Module):
    """Zeros in front of a convolution, around a map that has its channels last."""

    def __init__(self, *amounts: int, stride: int = 2) -> None:
        super().__init__()
        self.amounts = (0, 0, *amounts)
        self.conv = torch.nn.Conv2d(3, 4, 3, stride=stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = torch.nn.functional.pad(x, self.amounts)
        return self.conv(padded.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


@pytest.mark.parametrize("amounts", [(1, 1, 1, 1), (0, 1, 0, 1), (2, 2, 1, 1), (1, 0, 2, 0)], ids=str)
def test_in_front_of_a_convolution(amounts: tuple[int, ...]) -> None:
    assert apart(Front(*amounts), drawn((2, 7, 10, 3))) <= ROUNDING


def test_even_padding_is_the_layers_own() -> None:
    text = again(Front(2, 2, 1, 1), drawn((2, 7, 10, 3))).source
    assert "padding=(1, 2)" in text
    assert "F.pad" not in text


def test_zeros_that_are_read_elsewhere() -> None:
    assert apart(Twice(), np.asarray(IMAGE)) <= ROUNDING
