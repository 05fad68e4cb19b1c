"""A pass that lets values go gives what the model gives, and holds fewer values meanwhile."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

import keras
from homolog.keras.frugal import frugal

IMAGE = np.linspace(-2, 3, 3 * 7, dtype=np.float32).reshape(3, 7)


class Watching(keras.layers.Layer):
    """Hands a value on as another, and counts how many of those that it was given are still held."""

    given: list[Any] = []

    def call(self, inputs: Any) -> Any:
        result = inputs * 1.25 + 1
        if not isinstance(inputs, keras.KerasTensor):
            Watching.given.append(weakref.ref(inputs))
            self.held = sum(value() is not None for value in Watching.given)
        return result


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    Watching.given.clear()


def chain(length: int) -> tuple[keras.Model, list[Watching]]:
    entry = value = keras.Input((7,))
    layers = [Watching(name=f"layer{place}") for place in range(length)]
    for layer in layers:
        value = layer(value)
    model = keras.Model(entry, value)
    Watching.given.clear()  # of what Keras tried the layers with
    return model, layers


def test_values_go_when_the_last_layer_has_taken_them() -> None:
    model, layers = chain(5)
    expected = np.asarray(model(IMAGE))
    assert layers[-1].held == 5, "Keras keeps them all; without that there is no need for this"
    Watching.given.clear()
    with frugal(model):
        found = np.asarray(model(IMAGE))
    assert np.array_equal(found, expected)
    assert layers[-1].held <= 2


def test_the_model_is_left_as_it_was() -> None:
    model, layers = chain(4)
    with frugal(model):
        model(IMAGE)
    Watching.given.clear()
    model(IMAGE)
    assert layers[-1].held == 4


def test_a_value_that_is_taken_later_again_or_given_is_kept() -> None:
    entry = keras.Input((7,))
    first = keras.layers.Dense(7)(entry)
    second = keras.layers.Dense(7)(keras.ops.tanh(first))
    third = keras.layers.Add()([first, second, first])
    model = keras.Model(entry, [second, third, first, entry])
    expected = [np.asarray(each) for each in model(IMAGE)]
    with frugal(model):
        found = [np.asarray(each) for each in model(IMAGE)]
    for one, two in zip(found, expected, strict=True):
        assert np.array_equal(one, two)


def test_a_node_of_two_models_at_once_serves_both() -> None:
    entry = keras.Input((7,))
    middle = keras.layers.Dense(5)(entry)
    last = keras.layers.Dense(3)(middle)
    inner, whole = keras.Model(entry, middle), keras.Model(entry, last)
    outside = keras.Input((7,))
    model = keras.Model(outside, [inner(outside), whole(outside)])
    expected = [np.asarray(each) for each in model(IMAGE)]
    with frugal(model):
        found = [np.asarray(each) for each in model(IMAGE)]
    for one, two in zip(found, expected, strict=True):
        assert np.array_equal(one, two)


def test_nested_and_sequential_models_let_go_too() -> None:
    inner, layers = chain(4)
    model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(7), inner, keras.layers.Dense(2)])
    expected = np.asarray(model(IMAGE))
    Watching.given.clear()
    with frugal(model):
        found = np.asarray(model(IMAGE))
    assert np.array_equal(found, expected)
    assert layers[-1].held <= 2
