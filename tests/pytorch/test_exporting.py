"""What cannot be exported is refused with the reason, and a way out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from homolog.errors import Unsupported
from homolog.pytorch.exporting import FIXED_HELP
from homolog.pytorch.program import trace


class Counting(nn.Module):
    """Makes a number of Python's of the rows."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), 3) + x


def test_rows_that_are_made_a_number_are_named() -> None:
    with pytest.raises(Unsupported, match="cannot trace Counting") as caught:
        trace(Counting(), [np.zeros((2, 3), np.float32)])
    assert "batch" in str(caught.value.found) and "constant" in str(caught.value.found)
    assert caught.value.help == FIXED_HELP
