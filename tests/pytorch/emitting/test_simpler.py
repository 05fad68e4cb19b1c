"""What is said more simply before it is written for PyTorch."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from homolog.pytorch.emitting.simpler import simpler
from homolog.pytorch.program import trace


class Scaled(nn.Module):
    """As a rescaling with an offset of zero computes."""

    def forward(self, x: Tensor) -> Tensor:
        return (x / 255 + 0.0) * 1.0


def test_arithmetic_that_gives_what_it_reads_is_left_out() -> None:
    found = simpler(trace(Scaled().eval(), [np.zeros((2, 5), np.float32)]))

    assert [step.operator for step in found.steps.values() if step.operator in ("add", "mul", "div")] == ["div"]
