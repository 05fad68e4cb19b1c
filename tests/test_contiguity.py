"""Transposed arrays in C order: every number at its place, whatever way it is cut into strips and shares."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from homolog.contiguity import SHARED, STRIP, contiguous


@pytest.mark.parametrize(
    "shape",
    [
        (5, 7),
        (STRIP, 3),
        (2 * STRIP + 3, STRIP + 1),
        (131, 5, 3),
        (70, 66, 3, 5),
        (3, 2, 150, 67),
        (1, 1, 67, 130),
        (9, 9, 3, 70),
        (0, 65),
    ],
    ids=str,
)
def test_every_order_of_axes_arrives(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    for order in permutations(range(len(shape))):
        view = array.transpose(order)
        copied = contiguous(view)
        assert copied.flags.c_contiguous
        np.testing.assert_array_equal(copied, view)


@pytest.mark.parametrize("shape", [(1031, 517), (131, 137, 5, 7)], ids=str)
def test_an_array_that_is_shared_among_the_cores_has_no_seam(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    assert array.nbytes >= SHARED
    for view in (array.T, array.swapaxes(0, 1)):
        np.testing.assert_array_equal(contiguous(view), view)


def test_an_array_in_order_is_not_copied() -> None:
    array = np.zeros((STRIP, 3), np.int8)
    assert contiguous(array) is array


def test_no_axes_and_a_step_between_numbers() -> None:
    assert contiguous(np.asarray(3.0)).shape == ()
    array = np.arange(4 * STRIP)
    np.testing.assert_array_equal(contiguous(array[::2]), array[::2])
    assert contiguous(array[::2]).flags.c_contiguous
