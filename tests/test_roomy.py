"""Memory that a framework takes over: where it begins, and whose it is."""

from __future__ import annotations

import numpy as np
import pytest

from homolog import roomy

DTYPES = ("float32", "float64", "int8", "bool", "complex64")


@pytest.mark.parametrize("shape", [(), (7,), (3, 5, 2), (0, 4), (1031, 517)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_array_begins_at_a_multiple_of_64_bytes(shape: tuple[int, ...], dtype: str) -> None:
    for array in (roomy.empty(shape, np.dtype(dtype)), roomy.zeros(shape, np.dtype(dtype))):
        assert (array.shape, array.dtype.name) == (shape, dtype)
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.ctypes.data % roomy.ALIGNMENT == 0 or not array.size
    assert not array.any()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 1, 0), (3, 0, 1, 2)], ids=str)
def test_a_copy_has_the_same_values_and_memory_of_its_own(order: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).standard_normal((70, 131, 3, 2)).astype(np.float32).transpose(order)
    before = array.copy()
    made = roomy.copied(array)
    np.testing.assert_array_equal(made, before)
    assert made.flags.c_contiguous
    assert not np.shares_memory(made, array)


def test_a_copy_has_the_order_of_bytes_of_the_machine() -> None:
    array = np.arange(5, dtype=">f4")
    made = roomy.copied(array)
    assert made.dtype.isnative
    np.testing.assert_array_equal(made, array)
