"""What depends on a tensor's shape alone does not depend on its values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from homolog.pytorch.program import trace
from homolog.trace import Open

SAID: dict[str, tuple[Callable[[torch.Tensor, torch.Tensor], torch.Tensor], str]] = {
    "expand": (lambda held, x: held.expand_as(x), "size"),
    "reshape": (lambda held, x: held.expand(x.shape[0], 3, 5).reshape_as(x), "shape"),
    "view": (lambda held, x: held.expand(x.shape[0], 3, 5).contiguous().view_as(x), "size"),
}


class Shaped(torch.nn.Module):
    """A trained tensor that is brought into the input's shape."""

    def __init__(self, shape: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.shape, self.held = shape, torch.nn.Parameter(torch.ones(1, 3, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.tanh(self.shape(self.held, x))


@pytest.mark.parametrize("operator", SAID)
def test_a_shape_is_told_in_lengths(operator: str) -> None:
    shape, argument = SAID[operator]
    found = trace(Shaped(shape), [np.zeros((2, 3, 5), np.float32)])
    last = [step for step in found.steps.values() if step.operator == operator][-1]
    rows, *rest = last.arguments[argument]  # type: ignore[misc]  # a list of lengths
    assert (isinstance(rows, Open), rest) == (True, [3, 5])
    assert last.static, "the input's values are not in it"


def test_a_type_is_told_by_its_name() -> None:
    class Typed(torch.nn.Module):
        def forward(self, ids: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
            return ids.type_as(x) + x

    found = trace(Typed(), [np.zeros((2, 4), np.int64), np.zeros((2, 4), np.float32)])
    step = next(step for step in found.steps.values() if step.operator == "to")
    assert step.arguments["dtype"] == "float32"
