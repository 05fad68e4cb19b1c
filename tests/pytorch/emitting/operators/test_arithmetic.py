"""Arithmetic, comparisons and truth of two values."""

from __future__ import annotations

import pytest
import torch
from tests.keras.emitting.operators.test_arithmetic import INTEGERS, MIXED, TRUTHS, TWO, Sum
from tests.pytorch.emitting.again import ROUNDING, One, Two, again, apart, behind, drawn, plain


@pytest.mark.parametrize("name", TWO)
def test_two(name: str) -> None:
    plain(TWO[name], "float32", "float32")
    behind(TWO[name], 2)


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_integers(name: str, dtype: str) -> None:
    plain(INTEGERS[name], dtype, dtype, low=1)


@pytest.mark.parametrize("name", TRUTHS)
def test_truth_values(name: str) -> None:
    plain(TRUTHS[name], "bool", "bool")


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_mixed(name: str, dtype: str) -> None:
    def typed(x: torch.Tensor, y: torch.Tensor) -> object:
        return MIXED[name](x, y.to(torch.int64) if name == "arithmetic" else y)

    plain(typed, "float32", dtype)


@pytest.mark.parametrize("one", [(1, 3, 1), (3, 1), (3,), (3, 3), (1, 1, 3), (1, 3, 3)], ids=str)
@pytest.mark.parametrize("two", [(1, 3, 1), (3,)], ids=str)
def test_sums_along_axes_of_one_length(one: tuple[int, ...], two: tuple[int, ...]) -> None:
    assert apart(Sum(one, two), drawn((2, 3, 3))) <= ROUNDING


@pytest.mark.parametrize("shape", [(4,), (8, 1), (6, 1, 1), (6, 8, 4), (1, 8, 1), (2, 1, 6, 8, 4)], ids=str)
def test_fewer_and_more_axes_beside_a_map(shape: tuple[int, ...]) -> None:
    other = torch.rand(shape)
    behind(lambda x: [x * other, other - x])


def test_arithmetic_reads_as_arithmetic() -> None:
    text = again(Two(lambda x, y: (x - 2) * y / 3 + x**2), drawn(), drawn()).source
    assert all(part in text for part in ("x - 2", "* y", "/ 3", "x**2"))


def test_a_sign_stands_by_itself() -> None:
    assert "x - 2" in again(One(lambda x: x + -2), drawn()).source
