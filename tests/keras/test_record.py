"""What passes through the layers of a Keras model: kept, replaced, and nothing left behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from homolog.keras.framework import require
from homolog.keras.model import layers_by_path
from homolog.keras.record import recording
from homolog.live import BEFORE_ACTIVATION, INPUT

Array = np.ndarray[Any, Any]
ROWS = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
OTHER = np.linspace(-1, 1, 10, dtype=np.float32).reshape(2, 5)


def net(dtype: str = "float32") -> Any:
    keras = require()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, activation="relu", name="first", dtype=dtype),
            layers.Dense(3, name="second", dtype=dtype),
        ]
    )


def ran(
    model: Any, layers: list[str], instead: Mapping[str, Array] | None = None, array: Array = ROWS
) -> tuple[Array, dict[str, Array]]:
    """Output of a model, and what was kept."""
    keras = require()
    seen: dict[str, Array] = {}
    with recording(layers_by_path(model), layers, instead or {}, seen):
        output = model(keras.ops.convert_to_tensor(array), training=False)
    return np.asarray(keras.ops.convert_to_numpy(output)), seen


def linear(model: Any, name: str, array: Array) -> Array:
    kernel, bias = (np.asarray(value) for value in model.get_layer(name).get_weights())
    return array @ kernel + bias


def attributes(model: Any) -> list[dict[str, Any]]:
    return [dict(vars(layer)) for layer in (model, *model.layers)]


def same(one: list[dict[str, Any]], two: list[dict[str, Any]]) -> bool:
    return all(
        left.keys() == right.keys() and all(left[key] is right[key] for key in ("activation", "call") if key in left)
        for left, right in zip(one, two, strict=True)
    )


def test_another_value_goes_on_and_the_layer_s_own_is_kept() -> None:
    model = net()

    output, seen = ran(model, ["first", "second"], {"first": OTHER})

    np.testing.assert_allclose(seen["first"], np.maximum(linear(model, "first", ROWS), 0), atol=1e-6)
    np.testing.assert_allclose(output, linear(model, "second", OTHER), atol=1e-6)
    np.testing.assert_array_equal(seen["second"], output)


def test_another_value_goes_into_the_activation() -> None:
    model = net()
    place = f"first{BEFORE_ACTIVATION}"

    output, seen = ran(model, ["first", place], {place: OTHER})

    np.testing.assert_allclose(seen[place], linear(model, "first", ROWS), atol=1e-6)
    assert (seen[place] < 0).any()
    np.testing.assert_array_equal(seen["first"], np.maximum(OTHER, 0))
    np.testing.assert_allclose(output, linear(model, "second", np.maximum(OTHER, 0)), atol=1e-6)


def test_the_input_the_middle_and_the_output_of_one_layer_at_once() -> None:
    model = net()
    places = [f"first{INPUT}", f"first{BEFORE_ACTIVATION}", "first", f"second{INPUT}"]

    _, seen = ran(model, places, {"first": OTHER, f"second{INPUT}": OTHER * 0})

    assert set(seen) == set(places)
    np.testing.assert_array_equal(seen[f"first{INPUT}"], ROWS)
    np.testing.assert_array_equal(seen["first"], np.maximum(seen[f"first{BEFORE_ACTIVATION}"], 0))
    np.testing.assert_array_equal(seen[f"second{INPUT}"], OTHER)


def test_inputs_are_kept_and_not_replaced() -> None:
    model = net()

    output, _ = ran(model, [f"second{INPUT}"], {f"second{INPUT}": OTHER})

    np.testing.assert_array_equal(output, ran(model, [])[0])


def test_values_of_another_shape_are_not_put_in() -> None:
    model = net()
    places = ["first", f"first{BEFORE_ACTIVATION}"]

    output, _ = ran(model, places, dict.fromkeys(places, OTHER[:1]))

    np.testing.assert_array_equal(output, ran(model, [])[0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("given", ["float32", "float64"])
def test_values_take_the_element_type_of_the_layer(dtype: str, given: str) -> None:
    model, half = net(dtype), np.full((2, 5), 0.5, given)

    output, seen = ran(model, ["first"], {"first": half})

    kernel, bias = (np.asarray(value).astype(np.float64) for value in model.get_layer("second").get_weights())
    assert seen["first"].dtype.name == dtype
    np.testing.assert_allclose(output.astype(np.float64), half @ kernel + bias, rtol=2e-2, atol=2e-2)


def test_the_first_call_of_a_layer_counts() -> None:
    keras = require()
    step, inputs = keras.layers.Dense(4, name="step"), keras.Input((4,))
    model = keras.Model(inputs, step(step(inputs)))
    other = np.ones((2, 4), np.float32)

    output, seen = ran(model, ["step", f"step{INPUT}"], {"step": other})

    np.testing.assert_array_equal(seen[f"step{INPUT}"], ROWS)
    np.testing.assert_allclose(seen["step"], linear(model, "step", ROWS), atol=1e-6)
    np.testing.assert_allclose(output, linear(model, "step", other), atol=1e-6)


def by_keyword() -> Any:
    keras = require()

    class Inner(keras.layers.Layer):
        broken = False

        def call(self, *, values: Any) -> Any:
            if self.broken:
                raise RuntimeError("broken")
            return values * 2

    class Outer(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.inner = Inner(name="inner")

        def call(self, x: Any) -> Any:
            return self.inner(values=x) + 1

    inputs = keras.Input((4,))
    return keras.Model(inputs, Outer()(inputs))


def test_a_layer_within_a_layer_that_is_called_by_keyword() -> None:
    output, seen = ran(by_keyword(), ["outer/inner", f"outer/inner{INPUT}"], {"outer/inner": ROWS * 0})

    np.testing.assert_array_equal(seen[f"outer/inner{INPUT}"], ROWS)
    np.testing.assert_array_equal(seen["outer/inner"], ROWS * 2)
    assert (output == 1).all()


def test_what_no_layer_stands_for_is_passed_over() -> None:
    _, seen = ran(net(), ["first", "relu_7", f"nothing{INPUT}"])

    assert list(seen) == ["first"]


def test_the_model_is_left_as_it_was() -> None:
    model = net()
    before = attributes(model)

    ran(model, ["first", f"first{INPUT}", f"first{BEFORE_ACTIVATION}"], {"first": OTHER})

    assert same(attributes(model), before)


def test_and_so_when_its_forward_fails() -> None:
    model = by_keyword()
    outer = model.get_layer("outer")
    outer.inner.broken = True
    kept = [dict(vars(layer)) for layer in (outer, outer.inner)]

    with pytest.raises(RuntimeError, match="broken"):
        ran(model, ["outer", f"outer{INPUT}", "outer/inner", f"outer/inner{INPUT}"])

    assert [vars(layer).keys() for layer in (outer, outer.inner)] == [own.keys() for own in kept]


def test_a_function_that_the_user_put_on_the_layer_is_put_back() -> None:
    model = net()
    layer = model.get_layer("first")
    own = layer.call

    def call(*args: Any, **kwargs: Any) -> Any:
        return own(*args, **kwargs) + 1

    layer.__dict__["call"] = call

    _, seen = ran(model, ["first", f"first{INPUT}"])

    assert vars(layer)["call"] is call
    assert seen["first"].min() >= 1


def test_of_several_results_the_first_is_kept_and_none_is_replaced() -> None:
    keras = require()
    inputs = keras.Input((3, 4))
    sequence, *_ = keras.layers.LSTM(5, return_sequences=True, return_state=True, name="rnn")(inputs)
    model, array = keras.Model(inputs, sequence), np.stack([ROWS, ROWS, ROWS], 1)

    output, seen = ran(model, ["rnn"], {"rnn": np.zeros((2, 3, 5), np.float32)}, array)

    assert output.any()
    np.testing.assert_array_equal(seen["rnn"], output)
