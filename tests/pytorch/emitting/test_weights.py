"""What of the source goes into each tensor of a written module."""

from __future__ import annotations

import pytest
import torch
from tests.pytorch.emitting.again import again, drawn
from torch import nn

from homolog.errors import Mismatch
from homolog.plan import Plan
from homolog.pytorch.emitting.assemble import assemble
from homolog.pytorch.emitting.weights import constants_of, plan
from homolog.pytorch.program import trace
from homolog.pytorch.read import state


def _plan(module: nn.Module, shape: tuple[int, ...]) -> Plan:
    found = trace(module.eval(), [drawn(shape)])
    made = assemble(found)
    return plan(found, made, state(again(module, drawn(shape)).model), "a", "b")


def test_a_row_for_each_tensor() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.PReLU(4))
    rows = {row.sources: row.target for row in _plan(module, (2, 3, 5, 6)).rows}
    assert sorted(rows) == sorted((name,) for name in module.state_dict() if "num_batches" not in name)


def test_counters_of_training_are_left_as_they_are() -> None:
    ignored = [item for item in _plan(nn.Sequential(nn.BatchNorm1d(5)), (2, 5, 3)).ignored if item.side == "target"]
    assert [item.name.rpartition(".")[2] for item in ignored] == ["num_batches_tracked"]


def test_a_constant_is_filled_and_has_no_row() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("ramp", torch.randn(5, 7))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.ramp

    found = assemble(trace(Fixed(), [drawn((2, 5, 7))]))
    ((name, array),) = constants_of(found).items()
    assert array.shape == (5, 7)
    assert [item.name for item in _plan(Fixed(), (2, 5, 7)).ignored if item.side == "target"] == [name]


def test_a_module_with_other_tensors_than_were_written_is_refused() -> None:
    found = trace(nn.Linear(3, 4), [drawn((2, 3))])
    made = assemble(found)
    with pytest.raises(Mismatch, match="other tensors") as told:
        plan(found, made, state(nn.ModuleDict({"more": nn.Linear(3, 4), **_as_written(made.held)})), "a", "b")
    assert "nothing for more.weight" in str(told.value)


def _as_written(held: object) -> dict[str, nn.Module]:
    return {str(name): nn.Linear(3, 4) for name in held}  # type: ignore[attr-defined]
