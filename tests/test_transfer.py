"""Plan → arrays: laid out for the target, in its element type, and back."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from homolog.errors import Mismatch
from homolog.plan import Plan, Row
from homolog.tensors import array_ref
from homolog.transfer import backward, forward, transfer
from homolog.transforms import Axes

KERNEL = np.arange(2 * 3 * 5, dtype=np.float32).reshape(2, 3, 5)
ROW = Row("kernel", ("weight",), (Axes("out inp w -> w inp out"),), (2, 3, 5), (5, 3, 2))


def test_values_arrive_in_the_target_s_layout_contiguous() -> None:
    ((name, array),) = transfer(Plan((ROW,)), {"weight": array_ref("weight", KERNEL)})

    assert name == "kernel"
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array, KERNEL.T)
    np.testing.assert_array_equal(backward(ROW, array)[0], KERNEL)


def test_a_number_alone_keeps_its_shape() -> None:
    row = Row("counter", ("counter",), (), (), ())

    ((_, array),) = transfer(Plan((row,)), {"counter": array_ref("counter", np.array(7, np.int64))})

    assert array.shape == ()


def test_arrays_are_made_one_at_a_time() -> None:
    read = []

    def ref(name: str) -> object:
        made = array_ref(name, KERNEL)
        return replace(made, load=lambda: (read.append(name), KERNEL)[1])

    rows = tuple(replace(ROW, target=f"to {name}", sources=(name,)) for name in "ab")
    stream = transfer(Plan(rows), {name: ref(name) for name in "ab"})  # type: ignore[misc]

    next(stream)
    assert read == ["a"]


@pytest.mark.parametrize(
    ("source", "target", "narrows"),
    [
        ("float32", "float16", True),
        ("float32", "bfloat16", True),
        ("float16", "bfloat16", True),
        ("float64", "float32", True),
        ("float16", "float32", False),
        ("bfloat16", "float32", False),
        ("float32", "float64", False),
    ],
)
def test_element_types_change_as_the_row_says(source: str, target: str, narrows: bool) -> None:
    dtypes = {name: np.dtype(getattr(ml_dtypes, name, name)) for name in (source, target)}
    array = (KERNEL.astype(np.float64) / 7).astype(dtypes[source])
    row = replace(ROW, cast=f"{source} -> {target}")

    found = forward(row, {"weight": array_ref("weight", array)})

    assert found.dtype == dtypes[target]
    assert row.narrows == narrows
    assert row.lossless != narrows
    assert np.array_equal(backward(row, found)[0], array) != narrows


def test_a_missing_source_and_a_wrong_shape_are_named() -> None:
    with pytest.raises(Mismatch, match="weight"):
        forward(ROW, {})
    with pytest.raises(Mismatch, match=r"\(5, 3, 2\)"):
        forward(replace(ROW, transform=()), {"weight": array_ref("weight", KERNEL)})
