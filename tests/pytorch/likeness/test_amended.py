"""Operations of Keras that its torch backend has otherwise than the model's own, or in a way that cannot be traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import homolog
import keras
from keras import layers, ops

SEGMENTS = np.array([0, 0, 1, 2, 2, -1], "int32")
WEIGHTS = np.arange(1, 7, dtype="float32")


def _of_segments(x: Any) -> Any:
    rows = ops.transpose(x, (1, 0, 2))
    found = [
        ops.segment_sum(rows, SEGMENTS, num_segments=4),
        ops.segment_max(rows, SEGMENTS, num_segments=3),
    ]
    return ops.transpose(ops.concatenate(found, axis=0), (1, 0, 2))


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "segments, beside the batch": _of_segments,
    "average by weights of one axis": lambda x: ops.average(x, axis=1, weights=WEIGHTS),
    "average by weights of all axes": lambda x: ops.average(x, axis=1, weights=ops.abs(x) + 0.5),
    "count of what is not zero": lambda x: ops.count_nonzero(ops.relu(x), axis=1),
    "inverse": lambda x: ops.linalg.inv(ops.matmul(x, ops.swapaxes(x, 1, 2)) + ops.eye(6)),
    "root of a matrix": lambda x: ops.linalg.cholesky(ops.matmul(x, ops.swapaxes(x, 1, 2)) + ops.eye(6)),
    "determinant": lambda x: ops.linalg.det(ops.matmul(x, ops.swapaxes(x, 1, 2)) + ops.eye(6)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_translated_as_the_model_s_backend_has_it(name: str) -> None:
    entry = keras.Input((6, 5))
    translation = homolog.translate(keras.Model(entry, OPERATIONS[name](entry)), to="torch")
    assert translation.proof.passed, str(translation.proof)


def test_segments_of_the_batch_are_an_input() -> None:
    class Pooled(layers.Layer):
        def call(self, x: Any, segments: Any) -> Any:
            return ops.segment_sum(x, segments, num_segments=4)

    nodes, graph = keras.Input((5,)), keras.Input((), dtype="int32")
    model = keras.Model([nodes, graph], layers.Dense(3)(Pooled()(nodes, graph)))
    given = [np.random.default_rng(0).standard_normal((7, 5)).astype("float32"), np.array([0, 0, 1, 2, 2, 3, 1])]
    translation = homolog.translate(model, to="torch", inputs=given)
    assert translation.proof.passed, str(translation.proof)


def test_a_cell_of_the_user_s_own_without_a_configuration_is_traced() -> None:
    class Cell(layers.Layer):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.units = self.state_size = self.output_size = units

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
            self.loop = self.add_weight(shape=(self.units, self.units), name="loop")

        def call(self, x: Any, states: Any) -> Any:
            made = ops.tanh(ops.matmul(x, self.kernel) + ops.matmul(states[0], self.loop))
            return made, [made]

    entry = keras.Input((6, 5))
    model = keras.Model(entry, layers.RNN(Cell(4), return_sequences=True)(entry))
    translation = homolog.translate(model, to="torch")
    assert translation.proof.passed, str(translation.proof)


def test_ones_beside_a_number_that_is_taken_over_the_batch_have_its_rows() -> None:
    class Deviation(layers.Layer):
        def call(self, x: Any) -> Any:
            return ops.concatenate([x, ops.ones_like(x[..., :1]) * ops.mean(ops.std(x, axis=0))], axis=-1)

    entry = keras.Input((4, 6, 3))
    translation = homolog.translate(keras.Model(entry, layers.Conv2D(2, 3)(Deviation()(entry))), to="torch")
    assert translation.proof.passed, str(translation.proof)


def test_a_variable_is_repeated_once_for_every_row() -> None:
    class Probed(layers.Layer):
        """Pools by attention from one learned query, as SigLIP does."""

        def build(self, shape: Any) -> None:
            self.probe = self.add_weight(shape=(1, 2, shape[-1]), initializer="random_normal")

        def call(self, x: Any) -> Any:
            probes = ops.repeat(self.probe, repeats=ops.shape(x)[0], axis=0)
            return ops.concatenate([probes, x], axis=1)

    entry = keras.Input((6, 5))
    translation = homolog.translate(keras.Model(entry, layers.Dense(3)(Probed()(entry))), to="torch")

    assert translation.proof.passed, str(translation.proof)
    assert [tuple(parameter.shape) for parameter in translation.model.parameters()] == [(1, 2, 5), (3, 5), (3,)]  # type: ignore[attr-defined]
