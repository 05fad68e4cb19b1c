"""Arithmetic that gives what it reads is left out, and no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from homolog.passes.simpler import idle
from passes.maps_last import Net, traced

Forward = Callable[[nn.Module, Tensor], Tensor]

NOTHING: dict[str, Forward] = {
    "plus zero": lambda self, x: x + 0,
    "zero plus": lambda self, x: 0 + x,
    "minus zero": lambda self, x: x - 0.0,
    "times one": lambda self, x: x * 1,
    "by one": lambda self, x: x / 1.0,
    "plus zeros": lambda self, x: x + torch.zeros(1, 1, 3),
    "ones times": lambda self, x: torch.ones(5, 3) * x,
}
SOMETHING: dict[str, Forward] = {
    "plus one": lambda self, x: x + 1,
    "zero minus": lambda self, x: 0 - x,
    "times zero": lambda self, x: x * 0,
    "by one, rounded": lambda self, x: torch.div(x, 1, rounding_mode="floor"),
    "wider": lambda self, x: x + torch.zeros(4, 1, 5, 3),
    "one zero": lambda self, x: x + torch.tensor([0.0, 1.0, 0.0]),
    "another type": lambda self, x: x.to(torch.int32) * 1.0,
}


def operators(forward: Forward) -> list[str]:
    found = idle(traced(Net(lambda self, x: torch.tanh(forward(self, x))), 5, 3))
    return [step.operator for step in found.steps.values() if step.operator in ("add", "sub", "rsub", "mul", "div")]


@pytest.mark.parametrize("name", NOTHING)
def test_what_changes_nothing_is_left_out(name: str) -> None:
    assert not operators(NOTHING[name])


@pytest.mark.parametrize("name", SOMETHING)
def test_what_changes_something_stays(name: str) -> None:
    assert operators(SOMETHING[name])


def test_an_output_is_what_it_was_made_of() -> None:
    found = idle(traced(Net(lambda self, x: torch.tanh(x) + 0), 5, 3))
    (value,) = found.outputs.values()
    assert found.steps[value.node].operator == "tanh"
