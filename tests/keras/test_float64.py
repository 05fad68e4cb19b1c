"""Operations that are lent to TensorFlow in float64 give what PyTorch gives in float64."""

from __future__ import annotations

import inspect
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from torch import nn

import keras
from homolog.keras.float64 import MAKERS
from homolog.keras.run import LiveKeras

MOST = 1e-14


def exact(layer: keras.layers.Layer, shape: tuple[int, ...], array: np.ndarray) -> np.ndarray:
    run = LiveKeras(keras.Sequential([keras.Input(shape), layer])).exact([array])
    assert run is not None
    return run.outputs[0]


@pytest.mark.parametrize(
    ("groups", "filters", "stride", "dilation"),
    [(6, 6, 1, 1), (6, 6, 2, 1), (6, 6, 1, 2), (6, 12, 1, 1), (3, 6, 2, 1), (2, 4, (1, 2), 1)],
    ids=str,
)
def test_a_grouped_convolution(groups: int, filters: int, stride: int | tuple[int, int], dilation: int) -> None:
    layer = keras.layers.Conv2D(filters, (3, 2), stride, groups=groups, dilation_rate=dilation, padding="valid")
    array = np.random.default_rng(1).standard_normal((2, 9, 8, 6)).astype(np.float32)
    found = exact(layer, (9, 8, 6), array)

    twin = nn.Conv2d(6, filters, (3, 2), stride, groups=groups, dilation=dilation).double()
    with torch.no_grad():
        twin.weight.copy_(torch.from_numpy(np.asarray(layer.kernel).transpose(3, 2, 0, 1).copy()))
        twin.bias.copy_(torch.from_numpy(np.asarray(layer.bias).copy()))
        wanted = twin(torch.from_numpy(array.transpose(0, 3, 1, 2).astype(np.float64))).numpy().transpose(0, 2, 3, 1)
    assert np.abs(found - wanted).max() < MOST


def test_a_grouped_convolution_along_one_axis() -> None:
    layer = keras.layers.Conv1D(8, 3, groups=4)
    array = np.random.default_rng(2).standard_normal((2, 9, 8)).astype(np.float32)
    found = exact(layer, (9, 8), array)

    twin = nn.Conv1d(8, 8, 3, groups=4, bias=False).double()
    with torch.no_grad():
        twin.weight.copy_(torch.from_numpy(np.asarray(layer.kernel).transpose(2, 1, 0).copy()))
        wanted = twin(torch.from_numpy(array.transpose(0, 2, 1).astype(np.float64))).numpy().transpose(0, 2, 1)
    assert np.abs(found - wanted).max() < MOST


@pytest.mark.parametrize(
    ("activation", "twin"),
    [
        (keras.layers.Activation("gelu"), nn.GELU()),
        (keras.layers.Lambda(lambda x: keras.ops.gelu(x, approximate=True)), nn.GELU("tanh")),
        (keras.layers.LeakyReLU(0.3), nn.LeakyReLU(0.3)),
    ],
    ids=["gelu", "gelu by tanh", "leaky relu"],
)
def test_an_activation(activation: keras.layers.Layer, twin: nn.Module) -> None:
    array = np.linspace(-5, 5, 40, dtype=np.float32).reshape(4, 10)
    found = exact(activation, (10,), array)
    assert np.abs(found - twin(torch.from_numpy(array.astype(np.float64))).numpy()).max() < MOST


def test_a_number_is_cast_without_rounding() -> None:
    import tensorflow as tf

    from homolog.keras.exact import lent
    from homolog.keras.float64 import in_float64

    (entry,) = [item for item in in_float64() if item[1] == "cast"]
    with lent(*entry):
        assert float(tf.cast(1 / 6, "float64")) == 1 / 6
        assert tf.cast(tf.constant([1, 2]), "float64").dtype == tf.float64
    assert float(tf.cast(1 / 6, "float64")) != 1 / 6


@pytest.mark.parametrize(
    ("asked", "wide"),
    [
        ("float32", "float64"),
        ("bfloat16", "bfloat16"),  # which is to be seen
        ("float16", "float16"),
        ("complex64", "complex128"),
        ("int32", "int32"),
        ("bool", "bool"),
        ("float64", "float64"),
    ],
)
def test_a_narrower_float_that_is_asked_for_by_name_is_wide_throughout(asked: str, wide: str) -> None:
    import tensorflow as tf

    from homolog.keras.exact import lent
    from homolog.keras.float64 import in_float64

    for throughout, expected in ((True, wide), (False, asked)):
        with ExitStack() as stack:
            for entry in in_float64(throughout=throughout):
                stack.enter_context(lent(*entry))
            made = [tf.cast(tf.constant([1 / 3], "float64"), asked), tf.zeros((2,), asked), tf.ones((2,), dtype=asked)]
            if asked != "bool":  # of numbers TensorFlow makes none
                made += [tf.constant([0, 1], asked), tf.convert_to_tensor([0, 1], dtype=asked)]
            if asked not in ("bool", "complex64"):
                made.append(tf.range(0, 3, 1, asked))
        assert {tensor.dtype for tensor in made} == {tf.as_dtype(expected)}


@pytest.mark.parametrize("name", MAKERS)
def test_the_place_of_an_element_type_is_that_of_the_function(name: str) -> None:
    import tensorflow as tf

    parameters = list(inspect.signature(getattr(tf, name)).parameters)

    assert parameters.index("dtype") == MAKERS[name]


def test_what_names_no_type_is_of_the_type_that_it_has() -> None:
    import tensorflow as tf

    from homolog.keras.exact import lent
    from homolog.keras.float64 import in_float64

    with ExitStack() as stack:
        for entry in in_float64():
            stack.enter_context(lent(*entry))
        made = [tf.convert_to_tensor(np.ones(3, np.float32)), tf.range(4), tf.ones((2,)), tf.cast(0.5, "int32")]
    assert [tensor.dtype for tensor in made] == [tf.float32, tf.int32, tf.float32, tf.int32]
