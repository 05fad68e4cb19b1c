"""Every tensor bit for bit: in the target's layout, and back in the source's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homolog.errors import Mismatch
from homolog.plan import Plan, Row
from homolog.proof.weights import check
from homolog.tensors import array_ref
from homolog.transforms import Axes

KERNEL = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
ROW = Row("kernel", ("weight",), (Axes("out inp -> inp out"),), (3, 4), (4, 3))
SOURCE = {"weight": array_ref("weight", KERNEL)}


def checked(array: np.ndarray, row: Row = ROW):  # type: ignore[no-untyped-def, type-arg]
    return check(Plan((row,)), SOURCE, {"kernel": array_ref("kernel", array)})


def test_the_right_values_pass() -> None:
    part = checked(np.ascontiguousarray(KERNEL.T))

    assert part.passed
    assert part.figure == "1 of 1 tensors bit-exact"
    assert part.details == ()


def test_one_bit_fails() -> None:
    array = np.ascontiguousarray(KERNEL.T)
    array[3, 2] = np.nextafter(array[3, 2], 9)

    part = checked(array)

    assert not part.passed
    assert part.details == ("kernel from weight: other values",)


def test_the_sign_of_zero_counts() -> None:
    array = np.ascontiguousarray(KERNEL.T)
    array[0, 0] = -0.0

    assert not checked(array).passed


def test_rounding_is_counted_and_named() -> None:
    row = replace(ROW, cast="float32 -> float16")

    part = checked(KERNEL.T.astype(np.float16), row)

    assert part.passed
    assert part.figure == "0 of 1 tensors bit-exact, 1 rounded to the target's element type"
    assert part.details == ("1 tensors are rounded, float32 -> float16",)
    assert part.figures == {"exact": 0, "tensors": 1, "rounded": 1}


def test_a_wrong_rounding_fails() -> None:
    row = replace(ROW, cast="float32 -> float16")

    assert not checked(KERNEL.T.astype(np.float16) + np.float16(0.01), row).passed


def test_nan_is_copied_and_told() -> None:
    broken = KERNEL.copy()
    broken[1, 1] = np.nan

    part = check(
        Plan((ROW,)), {"weight": array_ref("weight", broken)}, {"kernel": array_ref("kernel", broken.T.copy())}
    )

    assert part.passed
    assert "NaN" in part.details[0]


def test_another_shape_is_told() -> None:
    part = checked(KERNEL.copy())

    assert part.details == ("kernel from weight: its shape is (3, 4), not (4, 3)",)


def test_a_source_that_is_not_there_is_named() -> None:
    with pytest.raises(Mismatch, match="weight_g"):
        checked(KERNEL.T.copy(), replace(ROW, sources=("weight_g",)))


def test_another_element_type_fails_where_none_is_meant() -> None:
    assert not checked(KERNEL.T.astype(np.float64)).passed


def test_what_a_wider_type_holds_beyond_the_source_fails() -> None:
    row = replace(ROW, cast="float32 -> float64")
    wide = KERNEL.T.astype(np.float64)

    assert checked(wide, row).passed
    wide[1, 2] += 1e-12  # rounded to float32 it is the source's number
    assert checked(wide, row).details == ("kernel from weight: other values",)
