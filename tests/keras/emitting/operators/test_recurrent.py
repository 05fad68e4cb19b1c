"""Recurrent stacks and cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from placed import drawn
from torch import nn
from translated import ROUNDING, apart, translated

import homolog
from homolog.errors import Unsupported

BOUND = 4 * ROUNDING
KINDS = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}


def flat(result: Any) -> list[torch.Tensor]:
    return [result] if isinstance(result, torch.Tensor) else [item for part in result for item in flat(part)]


class Everything(nn.Module):
    """All that a stack gives; with the batch in second place it is fed by a transpose."""

    def __init__(self, stack: nn.Module) -> None:
        super().__init__()
        self.stack = stack

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return flat(self.stack(x if self.stack.batch_first else x.transpose(0, 1)))


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_stacks(kind: str, bidirectional: bool, layers: int, batch_first: bool) -> None:
    torch.manual_seed(0)
    stack = KINDS[kind](3, 4, layers, bidirectional=bidirectional, batch_first=batch_first)
    assert apart(Everything(stack), drawn()) <= BOUND


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_may_be_open(kind: str, batch_first: bool) -> None:
    """The proof runs both at lengths of its own; here at one more."""
    torch.manual_seed(0)
    module = Everything(KINDS[kind](3, 4, 2, bidirectional=True, batch_first=batch_first)).eval()
    made = homolog.translate(module, to="keras", inputs=[(1, None, 3)])
    value = np.random.default_rng(2).standard_normal((2, 11, 3)).astype(np.float32)

    assert made.proof.passed, str(made.proof)
    assert "other sizes" in [part.name for part in made.proof.parts]
    found = made.model(value)[0]
    expected = module(torch.tensor(value))[0].detach().numpy()
    assert np.abs(np.asarray(found) - (expected if batch_first else expected.swapaxes(0, 1))).max() <= BOUND


@pytest.mark.parametrize("kind", KINDS)
def test_without_biases(kind: str) -> None:
    assert apart(Everything(KINDS[kind](3, 4, bias=False, batch_first=True)), drawn()) <= BOUND


def test_another_activation() -> None:
    assert apart(Everything(nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True)), drawn()) <= BOUND


class Taken(nn.Module):
    """A part of what a stack gives."""

    def __init__(self, stack: nn.Module, part: str) -> None:
        super().__init__()
        self.stack, self.part = stack, part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sequence, states = self.stack(x)
        last = states[0] if isinstance(states, tuple) else states
        return {"sequence": sequence, "end": sequence[:, -1], "state": last[-1], "states": last}[self.part]


@pytest.mark.parametrize("part", ["sequence", "end", "state", "states"])
@pytest.mark.parametrize("kind", KINDS)
def test_parts(kind: str, part: str) -> None:
    assert apart(Taken(KINDS[kind](3, 4, 2, batch_first=True), part), drawn()) <= BOUND


def test_dropout_between_layers_stays() -> None:
    text = translated(Taken(nn.LSTM(3, 4, 3, dropout=0.25, batch_first=True), "sequence"), drawn()).source
    assert text.count("Dropout(0.25)") == 2 or "for " in text


def test_no_transposes_around_a_stack_that_counts_time_first() -> None:
    assert "transpose" not in translated(Around(nn.GRU(3, 4, 2)), drawn()).source
    assert apart(Around(nn.GRU(3, 4, 2, bidirectional=True)), drawn()) <= BOUND


class Around(nn.Module):
    """A stack that is fed time first inside of a network that is batch first."""

    def __init__(self, stack: nn.Module) -> None:
        super().__init__()
        self.stack = stack

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        sequence, states = self.stack(x.transpose(0, 1))
        return [sequence.transpose(0, 1), states[-1]]


class Begun(nn.Module):
    """First states that are given: computed from the inputs, or learned."""

    def __init__(self, kind: str, learned: bool) -> None:
        super().__init__()
        self.stack = KINDS[kind](3, 4, 2, batch_first=True)
        self.start = nn.Parameter(torch.randn(2, 1, 4))
        self.learned = learned

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        rows = x.shape[0]
        given = self.start.expand(-1, rows, -1) if self.learned else x[:, :2, :1].transpose(0, 1) * self.start
        given = given.contiguous()
        return flat(self.stack(x, (given, given.cos()) if isinstance(self.stack, nn.LSTM) else given))


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_first_states(kind: str, learned: bool) -> None:
    assert apart(Begun(kind, learned), drawn()) <= BOUND


class Stepwise(nn.Module):
    """A cell, called for every place of a sequence."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        state = None
        given = []
        for place in range(x.shape[1]):
            state = self.cell(x[:, place], state)
            given.append(state[0] if isinstance(state, tuple) else state)
        return [torch.stack(given, 1), *flat(state)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_cells(cell: type[nn.Module], bias: bool) -> None:
    assert apart(Stepwise(cell(3, 4, bias=bias)), drawn()) <= BOUND


def test_a_cell_of_another_activation() -> None:
    assert apart(Stepwise(nn.RNNCell(3, 4, nonlinearity="relu")), drawn()) <= BOUND


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_projections_are_refused() -> None:
    with pytest.raises(Unsupported, match="projects its state"):
        translated(Everything(nn.LSTM(3, 4, proj_size=2, batch_first=True)), drawn())


def test_a_batch_in_second_place_of_the_input_is_refused() -> None:
    with pytest.raises(Unsupported, match="runs along the batch"):
        translated(nn.LSTM(3, 4), drawn())


def test_packed_sequences_are_refused() -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stack = nn.GRU(3, 4, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 3]), batch_first=True)
            return self.stack(packed)[1]

    with pytest.raises(Unsupported):
        translated(Packed(), drawn())


class Rows(nn.Module):
    """Reads every row of a map as a sequence: the stack has several times as many rows as the batch."""

    def __init__(self, stack: nn.Module, states: str = "none") -> None:
        super().__init__()
        self.stack, self.states = stack, states

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, height, width, channels = x.shape
        rows = x.reshape(batch * height, width, channels)
        if self.states == "none":
            found, _ = self.stack(rows)
        else:
            first = torch.zeros(self.stack.num_layers, batch * height, self.stack.hidden_size)
            second = rows.new_zeros(first.shape).contiguous() if self.states == "zeros" else first + 0.5
            found, _ = self.stack(rows, (first, second) if isinstance(self.stack, nn.LSTM) else second)
        return found.reshape(batch, height, width, -1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("states", ["none", "zeros"])
def test_first_states_of_zeros_for_several_times_the_rows(kind: str, states: str) -> None:
    found = Rows(KINDS[kind](3, 4, 2, batch_first=True), states)
    assert apart(found, drawn((2, 7, 5, 3))) <= BOUND
    assert "zeros" not in translated(found, drawn((2, 7, 5, 3))).source.replace("ZeroPadding", "")


def test_other_first_states_for_several_times_the_rows_are_refused() -> None:
    with pytest.raises(Unsupported, match="depends on the batch other than by its first axis"):
        translated(Rows(nn.LSTM(3, 4, 2, batch_first=True), "others"), drawn((2, 7, 5, 3)))


class TimeFirst(nn.Module):
    """A sequence that is turned for a stack, whose places are rows for the layer behind it, and turned back."""

    def __init__(self) -> None:
        super().__init__()
        self.stack, self.last = nn.LSTM(3, 4, 2, bidirectional=True), nn.Linear(8, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sequence, _ = self.stack(x.permute(1, 0, 2))
        time, batch, width = sequence.shape
        rows = torch.log_softmax(self.last(sequence.reshape(time * batch, width)), dim=1)
        return rows.view(time, batch, -1).transpose(0, 1)


def test_a_sequence_that_is_turned_for_a_stack_lies_as_keras_has_it() -> None:
    torch.manual_seed(0)
    assert apart(TimeFirst(), drawn()) <= BOUND
    text = translated(TimeFirst(), drawn()).source
    assert "ops.transpose" not in text
    assert "ops.reshape" not in text
