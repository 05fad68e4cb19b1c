"""Arrays whose memory a framework takes over as it is.

Fresh memory costs more than what is written to it: the system hands it out in pages of 4 kB, with a fault for each.
Numpy asks for pages of 2 MB, which PyTorch and TensorFlow do not. TensorFlow takes over only what begins at a multiple
of 64 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from homolog.contiguity import copy_into
from homolog.tensors import Array

ALIGNMENT = 64


def empty(shape: Sequence[int], dtype: np.dtype[np.generic]) -> Array:
    """An array in C order, with whatever was there before in it."""
    return _aligned(np.empty, shape, dtype)


def zeros(shape: Sequence[int], dtype: np.dtype[np.generic]) -> Array:
    """The same, of zeros: memory that the system has not handed out until it is touched."""
    return _aligned(np.zeros, shape, dtype)


def copied(array: Array) -> Array:
    """The same values, in C order and the machine's order of bytes, in memory of their own."""
    own = empty(array.shape, array.dtype.newbyteorder("="))
    copy_into(own, array)
    return own


def _aligned(make: Callable[..., Array], shape: Sequence[int], dtype: np.dtype[np.generic]) -> Array:
    size = prod(shape) * dtype.itemsize
    whole = make(size + ALIGNMENT, np.uint8)
    start = -whole.ctypes.data % ALIGNMENT
    return whole[start : start + size].view(dtype).reshape(tuple(shape))
