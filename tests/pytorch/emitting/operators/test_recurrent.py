"""Recurrent layers and cells."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.keras.emitting.operators.test_recurrent import KINDS, Around, Begun, Everything, Rows, Stepwise, Taken
from tests.pytorch.emitting.again import ROUNDING, again, apart, drawn
from torch import nn

from homolog.errors import Unsupported


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_stacks(kind: str, bidirectional: bool, layers: int, batch_first: bool) -> None:
    stack = KINDS[kind](3, 4, layers, bidirectional=bidirectional, batch_first=batch_first)
    assert apart(Everything(stack), drawn()) <= ROUNDING
    names = {name.rpartition(".")[2] for name in stack.state_dict()}
    assert {name.rpartition(".")[2] for name in again(Everything(stack), drawn()).model.state_dict()} == names


@pytest.mark.parametrize("settings", [{"bias": False}, {"dropout": 0.25, "num_layers": 2}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_settings(kind: str, settings: dict[str, Any]) -> None:
    stack = KINDS[kind](3, 4, batch_first=True, **settings)
    assert apart(Everything(stack), drawn()) <= ROUNDING
    text = again(Everything(stack), drawn()).source
    assert all(f"{name}={value!r}" in text for name, value in settings.items())


def test_another_activation() -> None:
    assert apart(Everything(nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True)), drawn()) <= ROUNDING


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("bidirectional", [False, True])
def test_projections(bidirectional: bool) -> None:
    stack = nn.LSTM(3, 4, 2, proj_size=2, batch_first=True, bidirectional=bidirectional)
    assert apart(Everything(stack), drawn()) <= ROUNDING


@pytest.mark.parametrize("part", ["sequence", "end", "state", "states"])
@pytest.mark.parametrize("kind", KINDS)
def test_parts(kind: str, part: str) -> None:
    assert apart(Taken(KINDS[kind](3, 4, 2, batch_first=True), part), drawn()) <= ROUNDING


def test_time_first_inside_of_a_network_that_is_batch_first() -> None:
    assert apart(Around(nn.GRU(3, 4, 2, bidirectional=True)), drawn()) <= ROUNDING


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_first_states(kind: str, learned: bool) -> None:
    assert apart(Begun(kind, learned), drawn()) <= ROUNDING


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("states", ["none", "zeros", "others"])
def test_first_states_for_several_times_the_rows(kind: str, states: str) -> None:
    assert apart(Rows(KINDS[kind](3, 4, 2, batch_first=True), states), drawn((2, 7, 5, 3))) <= ROUNDING


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_cells(cell: type[nn.Module], bias: bool) -> None:
    assert apart(Stepwise(cell(3, 4, bias=bias)), drawn()) <= ROUNDING


def test_a_cell_of_another_activation() -> None:
    assert apart(Stepwise(nn.RNNCell(3, 4, nonlinearity="relu")), drawn()) <= ROUNDING


def test_packed_sequences_are_refused() -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stack = nn.GRU(3, 4, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 3]), batch_first=True)
            found: torch.Tensor = self.stack(packed)[1]
            return found

    with pytest.raises(Unsupported):
        again(Packed(), drawn())
