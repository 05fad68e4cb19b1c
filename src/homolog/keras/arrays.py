"""Arrays and tensors of the backend, each from the other without a copy where there need be none."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

import numpy as np

from homolog import roomy
from homolog.keras.framework import require
from homolog.tensors import Array, dtype_of


def _is_shared(dtype: np.dtype[np.generic]) -> bool:
    """Whether TensorFlow can share the memory of such an array: of numpy's own types, as this machine has them."""
    return dtype.isbuiltin == 1 and dtype.isnative and dtype.kind in "biuf"


def taken(array: Array) -> Any:
    """A tensor with these values, and, where the backend can, in their memory: nobody else may write to it.

    Args:
        array: made by ``roomy``.
    """
    keras = require()
    if keras.backend.backend() == "tensorflow" and _is_shared(array.dtype):
        capsule = cast(Any, array).__dlpack__()
        return import_module("tensorflow").experimental.dlpack.from_dlpack(capsule)
    return keras.ops.convert_to_tensor(array)


def own(array: Array) -> Any:
    """A tensor with a copy of these values. TensorFlow would make three on the way from the array to the tensor."""
    return taken(roomy.copied(array))


def put(variable: Any, array: Array) -> None:
    """Give a variable values of its own shape and element type; TensorFlow is not asked to read them back."""
    if require().backend.backend() == "tensorflow":
        variable.value.assign(own(array), read_value=False)
    else:
        variable.assign(own(array))


def array_of(variable: Any) -> Array:
    """What a variable holds, not to be written to; with the PyTorch backend it changes as the variable does."""
    keras = require()
    if keras.backend.backend() == "tensorflow" and _is_shared(dtype_of(str(variable.dtype))):
        return np.asarray(memoryview(import_module("tensorflow").convert_to_tensor(variable.value)))
    array: Array = keras.ops.convert_to_numpy(variable)
    return array
