"""A live Keras model from the text of its file."""

from __future__ import annotations

import numpy as np

import keras
from homolog.keras.written import build

TEXT = """
import keras


def build_model() -> keras.Model:
    x = keras.Input((5,), name="x")
    y = keras.layers.Dense(3, name="first", kernel_initializer="he_normal")(x)
    y = keras.layers.LayerNormalization(name="norm")(y)
    y = keras.layers.Dense(2, name="second", bias_initializer="ones")(y)
    return keras.Model(x, y)
"""


def test_no_weight_is_drawn_and_the_others_are_as_the_layers_set_them() -> None:
    weights = {weight.path: weight.numpy() for weight in build(TEXT).weights}
    assert not weights["first/kernel"].any() and not weights["second/kernel"].any()
    assert np.all(weights["norm/gamma"] == 1) and np.all(weights["second/bias"] == 1)


def test_layers_that_are_made_later_draw_theirs() -> None:
    build(TEXT)
    for kind in ("glorot_uniform", "random_normal", "random_uniform", "truncated_normal", "orthogonal"):
        later = keras.layers.Dense(3, kernel_initializer=kind)
        later.build((None, 4))
        assert later.kernel.numpy().any()
