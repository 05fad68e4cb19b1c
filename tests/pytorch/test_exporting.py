"""What cannot be exported is refused with the reason, and a way out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from homolog.errors import Unsupported
from homolog.pytorch.exporting import FIXED_HELP, GUARD_HELP
from homolog.pytorch.program import trace


class Counting(nn.Module):
    """Makes a number of Python's of the rows."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(int(x.shape[0]), 3) + x


def test_rows_that_are_made_a_number_are_named() -> None:
    with pytest.raises(Unsupported, match="cannot trace Counting") as caught:
        trace(Counting(), [np.zeros((2, 3), np.float32)])
    assert "batch" in str(caught.value.found) and "constant" in str(caught.value.found)
    assert caught.value.help == FIXED_HELP


class Deciding(nn.Module):
    """Does more for few rows than for many."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.shape[0] < 5 else x


class Dividing(nn.Module):
    """Fits numbers of rows that twelve is a multiple of."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.ones(12, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table.reshape(x.shape[0], -1, 3).sum(1)


@pytest.mark.parametrize(
    ("module", "guard"), [(Deciding(), "<= 4"), (Dividing(), "% (3*L['x']")], ids=["if", "reshape"]
)
def test_what_holds_for_some_numbers_of_rows_alone_is_told(module: nn.Module, guard: str) -> None:
    with pytest.raises(Unsupported, match="cannot trace") as caught:
        trace(module, [np.zeros((2, 3), np.float32)])

    assert "batch" in str(caught.value.found)
    assert guard in str(caught.value.found)
    assert caught.value.help == GUARD_HELP
