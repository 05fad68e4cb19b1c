"""Attention with rows that are hidden whole: the outputs and the gradients of Keras on TensorFlow."""

from __future__ import annotations

from typing import Any

import pytest

import homolog
import keras
from keras import layers, ops

ROWS_HIDDEN = "scaled_dot_product_attention"


class Attends(layers.Layer):
    """Heads of attention whose mask says of every step whether it looks anywhere, or is looked at."""

    def __init__(self, *, whole: bool, groups: int = 1, scale: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.whole, self.groups, self.scale = whole, groups, scale
        self.query, self.key, self.value = (layers.Dense(heads * 5) for heads in (4, 4 // groups, 4 // groups))

    def build(self, shape: Any) -> None:
        for dense in (self.query, self.key, self.value):
            dense.build(shape)
        self.built = True

    def call(self, inputs: Any, mask: Any) -> Any:
        rows, steps = ops.shape(inputs)[0], inputs.shape[1]
        query, key, value = (
            ops.reshape(dense(inputs), (rows, steps, -1, 5)) for dense in (self.query, self.key, self.value)
        )
        mask = ops.reshape(mask > 0, (rows, 1, steps, 1) if self.whole else (rows, 1, 1, steps))
        found = ops.dot_product_attention(query, key, value, mask=mask, scale=self.scale)
        return ops.reshape(found, (rows, steps, 20))


def translated(**settings: Any) -> Any:
    keras.utils.set_random_seed(3)
    entry, mask = keras.Input((7, 6), name="x"), keras.Input((7,), name="mask")
    model = keras.Model([entry, mask], layers.Dense(3)(Attends(**settings)(entry, mask)))
    return homolog.translate(model, to="torch", gradients=True)


@pytest.mark.parametrize("settings", [{}, {"groups": 2}, {"scale": 0.3}], ids=["plain", "groups", "scale"])
def test_rows_that_are_hidden_whole_have_keras_gradients(settings: dict[str, Any]) -> None:
    found = translated(whole=True, **settings)

    assert found.proof.passed, found.proof
    figures = {part.name: part.figures for part in found.proof.parts}
    assert figures["gradients"]["precision"] == "float64"
    assert ROWS_HIDDEN not in found.source


def test_a_mask_of_the_keys_goes_to_pytorchs_attention() -> None:
    found = translated(whole=False)

    assert found.proof.passed, found.proof
    assert ROWS_HIDDEN in found.source
