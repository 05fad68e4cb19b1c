"""Keras in float64: as exact as PyTorch in double precision, and nothing of the model is changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.keras.exact import layers_of, variables_of, widened
from homolog.keras.run import LiveKeras
from homolog.proof.pairing import paired
from homolog.proof.samples import inputs_for
from proof.test_gradients import subjects_of
from twins import PAIRS


@pytest.mark.parametrize("name", [name for name in PAIRS if name != "volume"])
def test_it_agrees_with_pytorch_in_double_precision(name: str) -> None:
    subjects = subjects_of(PAIRS[name].torch(), PAIRS[name].keras())
    inputs = inputs_for(subjects, batch=2, seed=0)

    left, right = subjects.a.exact(inputs.first), subjects.b.exact(inputs.second)

    assert left is not None
    assert right is not None
    for one, two in paired(subjects, left, right).pairs:
        assert two.dtype == np.float64
        np.testing.assert_allclose(two, one, rtol=0, atol=1e-14 * float(np.abs(one).max()))


def everything(model: Any) -> list[object]:
    holders = [*layers_of(model), *variables_of(model)]
    return [(vars(holder).get("_dtype_policy"), vars(holder).get("_dtype")) for holder in holders]


def test_the_model_is_left_as_it_was_also_when_it_fails() -> None:
    import tensorflow as tf

    import keras

    model = PAIRS["nested"].keras()
    before, first = everything(model), LiveKeras(model).run([np.ones((2, 5), np.float32)]).outputs[0]
    functions = tf.nn.gelu, tf.nn.leaky_relu

    assert LiveKeras(model).exact([np.ones((2, 5), np.float32)]) is not None
    with pytest.raises(KeyError), widened(model):
        raise KeyError

    assert everything(model) == before
    assert keras.config.floatx() == "float32"
    assert functions == (tf.nn.gelu, tf.nn.leaky_relu)
    np.testing.assert_array_equal(LiveKeras(model).run([np.ones((2, 5), np.float32)]).outputs[0], first)


def test_a_layer_that_a_call_makes_computes_in_float64_too() -> None:
    import keras

    class Pooled(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return keras.layers.Resizing(3, 5, interpolation="bilinear")(keras.ops.mean(inputs, (1, 2), keepdims=True))

    entry = keras.Input((4, 6, 2))
    image = np.random.default_rng(3).normal(size=(2, 4, 6, 2))

    run = LiveKeras(keras.Model(entry, Pooled()(entry))).exact([image])

    assert run is not None
    expected = np.broadcast_to(image.astype(np.float64).mean((1, 2), keepdims=True), (2, 3, 5, 2))
    np.testing.assert_allclose(run.outputs[0], expected, rtol=0, atol=1e-15)
    assert keras.config.dtype_policy().name == "float32"


def test_an_operation_that_tensorflow_has_for_float32_alone_has_no_exact_result() -> None:
    assert LiveKeras(PAIRS["volume"].keras()).exact([np.ones((1, 5, 9, 15, 2), np.float32)]) is None


def called_in_float64(call: Any, array: np.ndarray[Any, Any]) -> Any:
    """What a model of one layer of that call gives in float64."""
    import keras

    class Own(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return call(self, x)

    inputs = keras.Input(array.shape[1:])
    return LiveKeras(keras.Model(inputs, Own()(inputs))).exact([array])


THIRDS = np.array([[1 / 3, 2 / 3, 7 / 3], [5 / 3, 1 / 7, 2 / 7]])
"""That float32 rounds."""
SEVENTHS = np.full(3, 1 / 7, np.float32)


def test_a_layer_that_makes_tensors_of_a_type_of_its_own_has_no_exact_result() -> None:
    import tensorflow as tf

    assert called_in_float64(lambda layer, x: tf.multiply(x, tf.constant(np.ones(3, np.float32))), THIRDS) is None


def by_name(narrow: str) -> Any:
    """A call that divides in an element type that it asks for by name."""
    import keras

    def call(layer: Any, x: Any) -> Any:
        places = keras.ops.cast(0, narrow) + keras.ops.ones(3, dtype=narrow)  # as keras-hub counts places
        return keras.ops.cast((keras.ops.cast(x, narrow) + 0 * places) / 7, layer.compute_dtype)

    return call


def test_a_layer_that_asks_for_float32_by_name_rounds_nothing() -> None:
    found = called_in_float64(by_name("float32"), THIRDS)

    assert not found.halved
    np.testing.assert_allclose(found.outputs[0], THIRDS / 7, rtol=1e-15)


@pytest.mark.parametrize("narrow", ["float16", "bfloat16"])
def test_half_precision_that_a_layer_asks_for_by_name_is_seen(narrow: str) -> None:
    found = called_in_float64(by_name(narrow), THIRDS)

    assert not found.halved
    assert 1e-4 < np.abs(found.outputs[0] / (THIRDS / 7) - 1).max() < 1e-2


def half_layer(model: Any) -> Any:
    import keras

    return keras.Model(model, keras.layers.Dense(2, dtype="mixed_bfloat16")(model))


def half_operation(model: Any) -> Any:
    import keras

    return keras.Model(model, keras.ops.cast(keras.ops.cast(model, "float16"), "float32"))


def no_half(model: Any) -> Any:
    import keras

    return keras.Model(model, keras.ops.cast(keras.layers.Dense(2)(model), "float32"))


@pytest.mark.parametrize(("build", "halved"), [(half_layer, True), (half_operation, True), (no_half, False)])
def test_half_precision_that_a_pass_in_float64_does_not_show_is_said(build: Any, halved: bool) -> None:
    import keras

    run = LiveKeras(build(keras.Input((3,)))).exact([THIRDS])

    assert run is not None
    assert run.halved is halved
    assert run.outputs[0].dtype == np.float64


def test_where_that_does_not_go_with_what_a_layer_holds_it_is_given_what_it_asks_for() -> None:
    import tensorflow as tf

    import keras

    def call(layer: Any, x: Any) -> Any:
        return keras.ops.cast(tf.multiply(keras.ops.cast(x, "float32"), tf.constant(SEVENTHS)), layer.dtype)

    found = called_in_float64(call, THIRDS)

    narrow = THIRDS.astype(np.float32) * SEVENTHS
    np.testing.assert_array_equal(found.outputs[0], narrow.astype(np.float64))


def test_a_quantized_model_has_no_exact_result() -> None:
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.layers[0].quantize("int8")

    assert LiveKeras(model).exact([np.ones((2, 4), np.float32)]) is None
