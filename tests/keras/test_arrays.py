"""Arrays that a backend takes over, and variables that are read as they lie."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import keras
from homolog import roomy
from homolog.keras.arrays import array_of, own, put, taken
from homolog.tensors import dtype_of

VALUES = np.arange(35, dtype=np.float32).reshape(5, 7)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "int32", "uint8", "bool", ml_dtypes.bfloat16, ml_dtypes.float8_e5m2]
)
def test_a_tensor_that_takes_an_array_over_has_its_values_and_type(dtype: object) -> None:
    array = roomy.copied(VALUES.astype(dtype))
    for tensor in (taken(array), own(array.T)):
        assert keras.backend.standardize_dtype(tensor.dtype) == array.dtype.name
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(taken(array)), array)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(own(array.T)), array.T)


def test_a_tensor_of_ones_own_does_not_change_with_the_array() -> None:
    array = VALUES.copy()
    tensor = own(array)
    array += 1
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(tensor), VALUES)


def test_what_was_read_of_a_variable_stays_when_it_is_trained_or_filled_anew() -> None:
    variable = keras.Variable(VALUES)
    read = array_of(variable)
    variable.assign_add(np.ones_like(VALUES))
    np.testing.assert_array_equal(read, VALUES)
    np.testing.assert_array_equal(array_of(variable), VALUES + 1)
    put(variable, VALUES * 3)
    variable.assign_sub(np.ones_like(VALUES))  # in memory that was taken over
    np.testing.assert_array_equal(array_of(variable), VALUES * 3 - 1)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e5m2", "int32", "bool", "float64"])
def test_a_variable_of_any_element_type_is_read(dtype: str) -> None:
    read = array_of(keras.Variable(VALUES, dtype=dtype, trainable=False))
    assert read.dtype.name == dtype
    np.testing.assert_array_equal(read.astype(np.float32), VALUES.astype(dtype_of(dtype)).astype(np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32", "bool"])
def test_a_variable_holds_what_is_put_into_it_and_does_not_change_with_the_array(dtype: str) -> None:
    variable = keras.Variable(np.zeros_like(VALUES), dtype=dtype, trainable=False)
    array = VALUES.astype(dtype_of(dtype))
    before = array.copy()
    put(variable, array)
    array[:] = 0
    assert array_of(variable).dtype.name == dtype
    np.testing.assert_array_equal(array_of(variable), before)
