"""Packed sequences are refused by their name, with the line that packs them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from homolog.errors import Unsupported
from homolog.pytorch.packed import HELP, told_of_packing
from homolog.pytorch.program import trace


class Packing(nn.Module):
    """Sequences that are packed by their lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, lengths.clamp(min=1), batch_first=True, enforce_sorted=False)
        found: Tensor = self.lstm(packed)[1][0][-1]
        return found


def test_packing_is_refused_with_its_reason_and_place() -> None:
    given = [np.zeros((2, 6, 3), np.float32), np.array([3, 5])]
    with pytest.raises(Unsupported, match="cannot trace Packing") as caught:
        trace(Packing(), given)
    assert "packed sequences" in str(caught.value.found)
    assert caught.value.help == HELP
    assert "test_packed.py" in str(caught.value.where)


def test_packing_works_again_behind_it() -> None:
    with pytest.raises(RuntimeError), told_of_packing():
        raise RuntimeError
    assert pack_sequence([torch.zeros(3, 2)]).data.shape == (3, 2)
