"""Grouped convolutions, compiled once for each shape, give what Keras gives, and are put back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras.src import backend

import keras
from homolog.keras.grouped import compiled_once

RANDOM = np.random.default_rng(5)
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "strides": {"strides": (2, 1), "padding": "same"},
    "dilation": {"dilation_rate": (1, 2)},
}


def image(rows: int = 2, channels: int = 6) -> Any:
    return RANDOM.normal(size=(rows, 7, 8, channels)).astype("float32")


def layer(groups: int = 3, **settings: Any) -> keras.layers.Layer:
    made = keras.layers.Conv2D(9, (3, 2), groups=groups, **settings)
    made.build((None, None, None, 6))
    made.bias.assign(RANDOM.normal(size=9))
    return made


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of inputs that Keras's own convolution was traced or run with."""
    shapes: list[tuple[int, ...]] = []
    plain = backend.nn.conv

    def seen(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        shapes.append(tuple(inputs.shape))
        return plain(inputs, *args, **kwargs)

    monkeypatch.setattr(backend.nn, "conv", seen)
    return shapes


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_numbers_are_keras_own(settings: dict[str, Any]) -> None:
    made, value = layer(**settings), image()
    expected = keras.ops.convert_to_numpy(made(value))

    with compiled_once():
        found = keras.ops.convert_to_numpy(made(value))

    np.testing.assert_array_equal(found, expected)


def test_the_same_shape_is_compiled_once_with_each_layer_its_own_kernel(compiled: list[tuple[int, ...]]) -> None:
    one, two, value = layer(), layer(), image()

    with compiled_once():
        first, second, again = (keras.ops.convert_to_numpy(made(value)) for made in (one, two, one))

    assert compiled == [(2, 7, 8, 6)]
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 0.1


def test_other_shapes_and_settings_are_compiled_anew(compiled: list[tuple[int, ...]]) -> None:
    with compiled_once():
        results = [layer()(image()), layer()(image(rows=3)), layer(strides=2)(image()), layer(groups=1)(image())]

    assert [tuple(item.shape) for item in results] == [(2, 5, 7, 9), (3, 5, 7, 9), (2, 3, 4, 9), (2, 5, 7, 9)]
    assert len(compiled) == 4


def test_convolutions_without_groups_are_left_to_keras(compiled: list[tuple[int, ...]]) -> None:
    made, value = layer(groups=1), image()

    with compiled_once():
        made(value), made(value)

    assert len(compiled) == 2


def test_advice_on_compiling_often_is_not_shown_and_keras_is_put_back(caplog: pytest.LogCaptureFixture) -> None:
    before = backend.nn.conv

    with compiled_once():
        for rows in range(1, 9):
            layer()(image(rows))

    assert not [message for message in caplog.messages if "retracing" in message]
    assert backend.nn.conv is before


def test_the_advice_would_be_shown_without_it(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(12):
        layer()(image())

    assert [message for message in caplog.messages if "retracing" in message]
