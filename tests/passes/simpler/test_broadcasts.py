"""What is repeated beside what has those lengths is left to the arithmetic, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor, nn, where

from homolog.passes.simpler import broadcasts
from homolog.trace import Trace
from passes.maps_last import Net, traced

Forward = Callable[[nn.Module, Tensor], Any]

LEFT: dict[str, Forward] = {
    "a mean": lambda self, x: x - x.mean(1, keepdim=True).expand_as(x),
    "chosen": lambda self, x: where(x > 0, x, x.mean(-1, keepdim=True).expand(-1, -1, 3)),
    "each other": lambda self, x: x[:, :, :1].expand(-1, 5, 4) * x[:, :1, :1].expand(-1, 5, 4) + x.sum(),
    "twice": lambda self, x: (y := x.mean(1, keepdim=True).expand_as(x)) * x + y,
    "one behind the other": lambda self, x: x * x[:, :1, :1].expand(-1, 5, 1).expand(-1, 5, 3),
}
STAYS: dict[str, Forward] = {
    "alone": lambda self, x: x.mean(1, keepdim=True).expand_as(x).cos(),
    "given": lambda self, x: x.mean(1, keepdim=True).expand_as(x),
    "wider": lambda self, x: x[:, :, :1].expand(-1, 5, 3) * x[:, :1, :1],
    "more axes": lambda self, x: x.mean((0, 1)).expand(5, 3) * x,
    "read by another": lambda self, x: [(y := x.mean(1, keepdim=True).expand_as(x)) * x, y.reshape(-1, 15)],
}


def expansions(found: Trace) -> int:
    return sum(step.operator.startswith("expand") for step in found.steps.values())


def of(forward: Forward) -> Trace:
    return traced(Net(forward), 5, 3)


@pytest.mark.parametrize("name", LEFT)
def test_a_repetition_is_left_to_what_repeats_by_itself(name: str) -> None:
    before = of(LEFT[name])
    after = broadcasts(before)
    assert expansions(after) < expansions(before)
    assert [before.shape(value) for value in before.outputs.values()] == [
        after.shape(value) for value in after.outputs.values()
    ]


@pytest.mark.parametrize("name", STAYS)
def test_a_repetition_stays_where_the_shape_would_be_another(name: str) -> None:
    assert expansions(broadcasts(of(STAYS[name]))) == expansions(of(STAYS[name])) > 0
