"""A recurrent stack is exported without a step of it being run; its steps may be open, and are not the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.pytorch.emitting.again import One

from homolog.errors import Unsupported
from homolog.pytorch.program import trace
from homolog.pytorch.sequences import quick_sequences

STACKS = {
    "gru": torch.nn.GRU(3, 4, 2),
    "both ways": torch.nn.GRU(3, 4, batch_first=True, bidirectional=True),
    "lstm": torch.nn.LSTM(3, 4, 3, bidirectional=True),
    "projected": torch.nn.LSTM(3, 4, 2, proj_size=2, batch_first=True, bidirectional=True),
    "tanh": torch.nn.RNN(3, 4, 2, bias=False, batch_first=True),
    "relu": torch.nn.RNN(3, 4, nonlinearity="relu", bidirectional=True),
}


@pytest.mark.filterwarnings("ignore:LSTM with projections", "ignore:The tensor attribute")
@pytest.mark.parametrize("name", STACKS)
def test_a_stack_that_is_not_run_step_by_step_gives_the_same_shapes_and_strides(name: str) -> None:
    stack = STACKS[name].eval()
    expected = _given(stack)
    with quick_sequences():
        found = _given(stack)

    assert found == expected
    assert len(found) == (3 if isinstance(stack, torch.nn.LSTM) else 2)
    assert _given(stack) == expected


def _given(stack: torch.nn.Module) -> list[tuple[str, str, torch.dtype]]:
    axis = 0 if getattr(stack, "batch_first", False) else 1
    value = torch.zeros(2, 5, 3).transpose(0, axis)
    shapes = ({axis: torch.export.Dim("rows", min=1)},)
    program = torch.export.export(stack, (value,), dynamic_shapes=shapes, strict=False)
    (entry,) = (entry for entry in program.graph.nodes if str(entry.target).split(".")[-2:-1] == [_operator(stack)])
    return [(str(item.shape), str(item.stride()), item.dtype) for item in entry.meta["val"]]


def _operator(stack: torch.nn.Module) -> str:
    return str(stack.mode).lower()  # type: ignore[union-attr]


def test_a_stack_of_many_steps_computes_after_it_what_it_did() -> None:
    stack, value = torch.nn.LSTM(3, 4, bidirectional=True), torch.randn(7, 2, 3)
    before = stack(value)[0]
    with quick_sequences():
        within = stack(value)[0]
    assert torch.equal(within, before) and torch.equal(stack(value)[0], before)


class Turned(torch.nn.Module):
    """Time first inside, the batch first outside."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = torch.nn.GRU(3, 4, bidirectional=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.stack(x.transpose(0, 1))[0]
        return found.transpose(0, 1)


def test_steps_may_be_open() -> None:
    found = trace(Turned(), [np.zeros((2, 6, 3), np.float32)], {0: (1,)})
    (step,) = (step for step in found.steps.values() if step.operator == "gru")

    assert step.shapes[0] == (None, None, 8)


@pytest.mark.parametrize("kind", [torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN])
def test_a_stack_that_runs_along_the_batch_is_refused(kind: type[torch.nn.RNNBase]) -> None:
    with pytest.raises(Unsupported, match="runs along the batch") as caught:
        trace(kind(3, 4), [np.zeros((5, 2, 3), np.float32)])

    assert caught.value.found == "an open number of steps, batch_first=False"
    assert "batch_first=True" in str(caught.value.help)


def test_rows_that_are_laid_behind_one_another_are_no_steps() -> None:
    stack = torch.nn.GRU(3, 4, batch_first=True)
    joined = One(lambda x: stack(x.reshape(1, -1, 3))[0])

    with pytest.raises(Unsupported, match="runs along the batch"):
        trace(joined, [np.zeros((2, 6, 3), np.float32)])
