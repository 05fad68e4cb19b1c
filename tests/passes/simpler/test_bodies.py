"""A module of the user's own that computes in several steps is a body, like one that holds others."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from homolog.passes.simpler import bodies, cells
from homolog.trace import Called
from passes.maps_last import traced


class Root(nn.Module):
    """A norm that is said step by step."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.abs().mean(-1, keepdim=True) + 1e-6) * (1 + self.weight)


class Sum(nn.Module):
    """Two steps, which need no name."""

    def forward(self, x: Tensor) -> Tensor:
        return x.tanh() + x


def called() -> dict[str, set[Called]]:
    found = bodies(traced(nn.Sequential(nn.Linear(3, 4), Root(4), Sum(), nn.Linear(4, 5)), 6, 3))
    return {path: {c for step in found.steps.values() for c in step.calls if c.path == path} for path in "0123"}


def test_a_module_of_several_steps_is_taken_for_one_that_holds_others() -> None:
    (found,) = called()["1"]
    assert found.inner


def test_layers_and_modules_of_a_step_or_two_stay_what_they_are() -> None:
    found = called()
    assert not any(item.inner for path in ("0", "2", "3") for item in found[path])


class Standardised(nn.Conv1d):
    """A convolution that computes its kernel in several steps: none of them reads what comes in."""

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight - self.weight.mean((1, 2), keepdim=True)
        return nn.functional.conv1d(x, kernel / (kernel.std() + 1e-6), self.bias)


def test_so_is_one_that_computes_its_weights() -> None:
    found = bodies(traced(nn.Sequential(Standardised(3, 4, 2)), 3, 6))
    assert any(called.inner for step in found.steps.values() for called in step.calls)


class Twice(nn.Module):
    """One module in two places, and another in one."""

    def __init__(self) -> None:
        super().__init__()
        self.often, self.once = Root(4), Root(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.often(self.once(self.often(x)).tanh())


def test_cells_are_those_alone_that_are_called_again() -> None:
    found = cells(traced(Twice(), 6, 4))
    inner = {called.path for step in found.steps.values() for called in step.calls if called.inner}
    assert inner == {"often"}
