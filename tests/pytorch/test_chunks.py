"""Two inputs that are joined along the batch and taken apart again, for any number of rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import ROUNDING, apart, translated
from torch import nn

from homolog.pytorch.chunks import open_chunks

ONE, TWO = np.random.default_rng(0).standard_normal((2, 2, 3, 7, 5)).astype(np.float32)


class Both(nn.Module):
    """The same convolution for both, at once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
        first, second = torch.chunk(self.conv(torch.cat([one, two], dim=0)), chunks=2, dim=0)
        return first - 2 * second


class Odd(nn.Module):
    """Three parts of a fixed length that three does not divide."""

    def forward(self, one: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return one.chunk(3, dim=2)


class Watched(nn.Module):
    """Notes how many modes watch what it does with tensors."""

    def forward(self, one: torch.Tensor) -> torch.Tensor:
        self.depth = torch.overrides._len_torch_function_stack()
        return one / (1 // int(one[0]))


def test_joined_and_taken_apart() -> None:
    found = translated(Both(), ONE, TWO).source
    assert "ops.split" in found and "axis=0" in found
    assert apart(Both(), ONE, TWO, rows=5) < ROUNDING


def test_other_chunks_are_as_they_were() -> None:
    assert apart(Odd(), ONE) == 0


def test_the_module_is_left_as_it_was() -> None:
    module = Both()
    translated(module, ONE, TWO)
    assert not module._forward_pre_hooks and not module._forward_hooks


def test_it_watches_the_forward_alone() -> None:
    module, depth = Watched(), torch.overrides._len_torch_function_stack
    before = depth()
    with open_chunks(module):
        assert depth() == before
        module(torch.ones(2))
        assert (module.depth, depth()) == (before + 1, before)
        with pytest.raises(ZeroDivisionError):
            module(torch.zeros(2))
        assert depth() == before
