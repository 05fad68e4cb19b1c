"""Operators of two values, of every element type."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from placed import One, Two, behind, drawn, plain
from translated import ROUNDING, apart, translated

TWO: dict[str, Callable] = {
    **{name: getattr(torch, name) for name in ("add", "sub", "mul", "maximum", "minimum", "atan2", "hypot")},
    **{name: getattr(torch, name) for name in ("logaddexp", "logaddexp2", "fmax", "fmin", "eq", "ne", "lt", "ge")},
    **{name: getattr(torch, name) for name in ("logical_and", "logical_or", "logical_xor")},
    "div": lambda x, y: x / (y.abs() + 1),
    "pow": lambda x, y: x.abs() ** y,
    "largest": torch.max,
    "smallest": torch.min,
    "fewer axes": lambda x, y: x + y[0, 0],
}


@pytest.mark.parametrize("name", TWO)
def test_two(name: str) -> None:
    plain(TWO[name], "float32", "float32")
    if name != "fewer axes":
        behind(TWO[name], 2)


INTEGERS: dict[str, Callable] = {
    "true division": lambda x, y: x / (y.abs() + 1),
    "division by a number": lambda x, y: x / 4 + y,
    "rounded down": lambda x, y: x // (y.abs() + 1),
    "rounded down by a negative": lambda x, y: torch.div(x, -(y.abs() + 2), rounding_mode="floor"),
    "truncated": lambda x, y: torch.div(x, -(y.abs() + 2), rounding_mode="trunc"),
    "remainder": lambda x, y: x % (y.abs() + 2),
    "negative remainder": lambda x, y: torch.remainder(x, -(y.abs() + 2)),
    "fmod": lambda x, y: torch.fmod(x, y.abs() + 2),
    "power": lambda x, y: x ** (y.abs() % 3),
    "root": lambda x, y: torch.sqrt(x.abs() + y.abs()),
    "functions of integers": lambda x, y: [x.exp() / 100, y.sigmoid(), x.erf(), y.tanh(), x.square(), y.abs(), -x],
    "rounding": lambda x, y: [x.floor(), y.ceil(), x.round(), y.trunc(), x.sign()],
    "floats besides": lambda x, y: [x * 1.5, y + x.sin(), torch.maximum(x, y), x.clamp(-2, 3), y.clamp(-1.5, 2.5)],
    "bits": lambda x, y: [x & y, x | y, x ^ y, ~x, x << 2, y >> 1],
    "comparisons": lambda x, y: [x == y, x < y, x >= 2, x != 0.5],
    "truth": lambda x, y: [torch.logical_and(x, y), torch.logical_not(x)],
}
TRUTHS: dict[str, Callable] = {
    "arithmetic": lambda x, y: [x + y, x * y, x * 2, x + 1.5, x / (y + 1)],
    "bits": lambda x, y: [x & y, x | y, x ^ y, ~x],
    "extremes": lambda x, y: [torch.maximum(x, y), torch.minimum(x, y)],
    "comparisons": lambda x, y: [x == y, x != y, x == 1, x > y],
    "floats": lambda x, y: [x.float() - y.float(), x.sigmoid()],
}


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_integers(name: str, dtype: str) -> None:
    plain(INTEGERS[name], dtype, dtype)


@pytest.mark.parametrize("name", TRUTHS)
def test_truth_values(name: str) -> None:
    plain(TRUTHS[name], "bool", "bool")


MIXED: dict[str, Callable] = {
    "arithmetic": lambda x, y: [x * y, x + y, x - y, x / (y + 9), y**2 * x],
    "choices": lambda x, y: [torch.where(y > 1, x, y), torch.where(y > 1, x, 0), x.masked_fill(y < 0, -1.5)],
    "comparisons": lambda x, y: [x < y, y <= x, x == y],
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_mixed(name: str, dtype: str) -> None:
    def typed(x: torch.Tensor, y: torch.Tensor) -> object:
        return MIXED[name](x, y if dtype == "int64" else y.to(torch.int64) if name == "arithmetic" else y)

    plain(typed, "float32", dtype)


def test_quotients_of_large_integers_are_exact() -> None:
    """As floats they would not be."""
    x = np.array([[2**30 + 1, -(2**30) - 1], [7, -7]], np.int64)
    module = One(lambda x: [torch.div(x, 3, rounding_mode="trunc"), x // 3])
    assert apart(module, x) == 0


def test_arithmetic_reads_as_arithmetic() -> None:
    text = translated(Two(lambda x, y: (x - 2) * y / 3 + x**2), drawn(), drawn()).source
    assert "z = x - 2\n    z = z * y\n    z = z / 3\n    a = x**2\n    z = z + a" in text


class Sum(torch.nn.Module):
    def __init__(self, one: tuple[int, ...], two: tuple[int, ...]) -> None:
        super().__init__()
        self.one, self.two = torch.nn.Parameter(torch.randn(one)), torch.nn.Parameter(torch.randn(two))

    def forward(self, x: torch.Tensor) -> object:
        return [x + self.one, self.one + x, x * 0 + (self.one + self.two), x.mean((1, 2), keepdim=True) + self.one]


@pytest.mark.parametrize("one", [(1, 3, 1), (3, 1), (3,), (3, 3), (1, 1, 3), (1, 3, 3)], ids=str)
@pytest.mark.parametrize("two", [(1, 3, 1), (3,)], ids=str)
def test_sums_along_axes_of_one_length(one: tuple[int, ...], two: tuple[int, ...]) -> None:
    """Keras on TensorFlow would take some of these for biases of another axis; the batch that is run is 3, too."""
    assert apart(Sum(one, two), drawn((2, 3, 3))) <= ROUNDING


def _outer(x: torch.Tensor) -> object:
    rows, columns = x.mean(2, keepdim=True), x.mean(1, keepdim=True)
    return [x + rows, rows + x, x + columns, rows + columns, columns + rows]


@pytest.mark.parametrize("rows", [1, 3])
def test_sums_of_what_each_row_has_along_one_axis(rows: int) -> None:
    """With one row in the batch Keras on TensorFlow would take some of these for biases of another axis."""
    assert apart(One(_outer), drawn((2, 3, 3)), rows=rows) <= ROUNDING


def test_bits_of_numbers() -> None:
    whole = drawn(dtype="int64")
    assert apart(One(lambda x: (x & 3) | (x ^ 1)), whole) == 0
    assert apart(One(lambda x: ((x > 1) & True) | (x < -2)), whole) == 0
