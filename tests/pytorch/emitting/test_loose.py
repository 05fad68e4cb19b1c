"""Tensors that belong to no module: what a recurrent layer begins with."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

import homolog
import keras
from keras import layers

STEPS = 7


def gru() -> keras.Model:
    """PyTorch has no layer that resets before it multiplies."""
    entry = keras.Input((STEPS, 6))
    return keras.Model(entry, layers.GRU(5, reset_after=False, return_sequences=True, name="memory")(entry))


def masked() -> keras.Model:
    entry = keras.Input((STEPS,), dtype="int32")
    value = layers.Embedding(11, 6, mask_zero=True)(entry)
    return keras.Model(entry, layers.LSTM(5, name="memory")(value))


def towers() -> keras.Model:
    """One tower for two inputs, with such a layer in it."""
    tower = keras.Sequential([keras.Input((STEPS, 6)), layers.GRU(5, reset_after=False), layers.Dense(4)], name="tower")
    first, second = keras.Input((STEPS, 6)), keras.Input((STEPS, 6))
    return keras.Model([first, second], layers.Concatenate()([tower(first), tower(second)]))


def stacked() -> keras.Model:
    """Two cells for each step, each with a state of a length of its own."""
    entry = keras.Input((STEPS, 6))
    cells = layers.StackedRNNCells([layers.GRUCell(5, reset_after=False), layers.SimpleRNNCell(4)])
    return keras.Model(entry, layers.RNN(cells)(entry))


@pytest.mark.parametrize(
    ("make", "squashed", "begins"), [(gru, 1, [5]), (masked, 4, [5]), (towers, 1, [5]), (stacked, 2, [5, 4])]
)
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_a_recurrent_layer_that_is_written_out_is_a_loop_over_its_steps(
    make: Any, squashed: int, begins: list[int]
) -> None:
    made = make()
    for seed, variable in enumerate(made.variables):
        variable.assign(keras.random.normal(variable.shape, seed=seed))

    found = homolog.translate(made, to="torch")

    assert found.proof.passed, str(found.proof)
    assert found.source.count("torch.tanh(") == squashed  # not once, or twice, for every step
    assert sorted(re.findall(r"\.new_zeros\(1, (\d)\)", found.source)) == sorted(map(str, begins))
    assert "register_buffer" not in found.source
    torch.jit.script(found.model)


def test_the_cell_of_such_a_layer_is_a_module_by_its_name() -> None:
    names = {row.target for row in homolog.translate(gru(), to="torch").plan.rows}
    assert names == {f"memory.gru_cell.{name}" for name in ("kernel.weight", "recurrent_kernel", "bias")}
