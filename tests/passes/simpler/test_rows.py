"""Axes that are merged for layers that treat each row by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from homolog.passes.simpler import dense, rows
from homolog.trace import Trace
from passes.maps_last import Net, traced

Forward = Callable[[Any, Tensor], Any]
RESHAPES = ("view", "reshape", "flatten", "unflatten")

GONE: dict[str, Forward] = {
    "a layer": lambda self, x: self.wide(x.view(-1, 3)).view(x.shape[0], 5, -1),
    "a chain": lambda self, x: torch.softmax(self.norm(self.wide(x.reshape(-1, 3)).relu()), 1).view(-1, 5, 4),
    "time first": lambda self, x: self.wide(x.transpose(0, 1).reshape(-1, 3)).view(5, -1, 4),
    "a product": lambda self, x: torch.addmm(self.wide.bias, x.view(-1, 3), self.matrix).view(-1, 5, 4),
    "merged by flatten": lambda self, x: self.wide(x.flatten(0, 1)).unflatten(0, (-1, 5)),
}
STAYS: dict[str, Forward] = {
    "other axes": lambda self, x: self.wide(x.reshape(-1, 3)).view(-1, 20),
    "read by another": lambda self, x: (y := self.wide(x.reshape(-1, 3))).view(-1, 5, 4) * y.mean(),
    "given": lambda self, x: [y := self.wide(x.reshape(-1, 3)), y.view(-1, 5, 4)],
    "nothing between": lambda self, x: x.reshape(-1, 3).view(-1, 5, 3) + 1,
    "along the rows": lambda self, x: torch.cumsum(self.wide(x.reshape(-1, 3)), 0).view(-1, 5, 4),
    "each feature of all rows": lambda self, x: self.batch(self.wide(x.reshape(-1, 3))).view(-1, 5, 4),
}


def of(forward: Forward) -> Trace:
    torch.manual_seed(0)
    module = Net(forward, wide=nn.Linear(3, 4), norm=nn.LayerNorm(4), batch=nn.BatchNorm1d(4))
    module.matrix = nn.Parameter(torch.randn(3, 4))
    return rows(dense(traced(module, 5, 3)))


def reshapes(found: Trace) -> int:
    return sum(step.operator in RESHAPES for step in found.steps.values())


@pytest.mark.parametrize("name", GONE)
def test_layers_take_rows_of_any_axes(name: str) -> None:
    found = of(GONE[name])
    assert not reshapes(found)
    (value,) = found.outputs.values()
    assert found.shape(value) == ((5, None, 4) if name == "time first" else (None, 5, 4))


@pytest.mark.parametrize("name", STAYS)
def test_what_is_no_row_by_itself_stays_a_matrix(name: str) -> None:
    assert reshapes(of(STAYS[name]))
