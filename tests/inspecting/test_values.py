"""How values show in one line, and arrays in figures."""

from __future__ import annotations

import json
from collections import OrderedDict

import ml_dtypes
import numpy as np
import pytest

from homolog.inspecting import values
from homolog.inspecting.values import figures, items, short, together
from homolog.tensors import array_ref

ARRAY = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, "3"),
        ("x", "'x'"),
        (np.float32(2.5), "np.float32(2.5)"),
        (ARRAY, "float32 (2, 3)"),
        ([ARRAY, 1], "[float32 (2, 3), 1]"),
        (OrderedDict(a=ARRAY), "{'a': float32 (2, 3)}"),
        ((ARRAY,), "(float32 (2, 3),)"),
        (set(), "{}"),
        (list(range(9)), "[0, 1, 2, 3, … 9 in all]"),
        ([[[[1]]]], "[[[…]]]"),
        ("a\nb", "'a\\nb'"),
        ("x" * 200, "'" + "x" * 78 + "…"),
        (Rude(), "<Rude whose repr raised RuntimeError>"),
        (array_ref("w", ARRAY), "float32 (2, 3)"),
        (np.ndarray, "<class 'numpy.ndarray'>"),
    ],
)
def test_a_value_is_one_short_line_and_arrays_are_never_dumped(value: object, expected: str) -> None:
    assert short(value) == expected


def test_items_are_a_line_each_and_say_how_many_were_left_out() -> None:
    assert items({"a": ARRAY}) == ("a: float32 (2, 3)",)
    assert items([1, 2, 3], most=2) == ("1", "2", "… and 1 more")
    assert items((one for one in range(10**9)), most=1) == ("0", "… and more")


def test_figures_sum_an_array_up() -> None:
    assert str(figures(ARRAY)) == "float32 (2, 3); min 1, max 6, mean 3.5; std 1.70783; first 1, 2, 3, 4"
    assert figures(array_ref("w", ARRAY)) == figures(ARRAY)
    assert str(figures(np.array([True, False]))) == "bool (2,); min 0, max 1, mean 0.5; std 0.5; first 1, 0"


def test_figures_count_what_is_not_finite() -> None:
    told = figures(np.array([np.nan, 1.0, np.inf, 3.0]))
    assert str(told) == "float64 (4,); min 1, max 3, mean 2; std 1; 1 NaN; 1 Inf; first nan, 1, inf, 3"
    assert json.loads(json.dumps(told.to_dict(), allow_nan=False))["first"] == ["nan", 1.0, "inf", 3.0]
    assert str(figures(np.full(2, np.nan))) == "float64 (2,); 2 NaN; first nan, nan"


def test_figures_are_numpys_own_however_large_the_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_PIECE", 7)
    array = np.random.default_rng(3).normal(1e6, 1, (5, 11))
    array[2, 3], array[4, 4], array[0, 0] = np.nan, np.inf, -np.inf
    told, finite = figures(array), array[np.isfinite(array)]
    assert (told.low, told.high, told.nan, told.inf) == (finite.min(), finite.max(), 1, 2)
    assert told.mean == pytest.approx(finite.mean(), rel=1e-14)
    assert told.std == pytest.approx(finite.std(), rel=1e-9)


def test_figures_of_several_arrays_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [np.array([1.0, 2, np.nan]), np.array([np.inf]), np.array([-5.0, 7, 11, 2])]
    told = together([(figures(part), part.size) for part in parts], (8,))
    whole = figures(np.concatenate(parts))
    assert (told.low, told.high, told.nan, told.inf) == (whole.low, whole.high, whole.nan, whole.inf)
    assert told.mean == pytest.approx(whole.mean)
    assert told.std == pytest.approx(whole.std)


def test_figures_of_nothing() -> None:
    assert str(figures(np.zeros((0, 3), np.float32))) == "float32 (0, 3)"


def test_small_floats_have_figures() -> None:
    array = np.array([1.0, 3.0])
    assert str(figures(array.astype(ml_dtypes.bfloat16))) == "bfloat16 (2,); min 1, max 3, mean 2; std 1; first 1, 3"
    assert figures(array.astype(ml_dtypes.float8_e4m3fn)).mean == 2


def test_of_complex_numbers_both_parts_count() -> None:
    found = figures(np.array([1 + 5j, complex("nan+2j"), complex("-inf")], "c8"))
    assert (found.low, found.high, found.nan, found.inf, found.shape) == (0, 5, 1, 1, (3,))
    both = together([(found, 3), (figures(np.array([7j])), 1)], (None,))
    assert (both.low, both.high, both.mean) == (0, 7, (1 + 5 + 2 + 0 + 0 + 7) / 6)


def test_what_has_no_figures_says_why() -> None:
    assert "could not convert string" in str(figures(np.array(["a"])).unread)


def test_torch_tensors_have_figures_whatever_they_are() -> None:
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.ones(2, 3))
    assert str(figures(weight)) == "float32 (2, 3); min 1, max 1, mean 1; std 0; first 1, 1, 1, 1"
    assert str(figures(torch.ones(2, dtype=torch.bfloat16))) == "bfloat16 (2,); min 1, max 1, mean 1; std 0; first 1, 1"
    assert figures(torch.ones(2, dtype=torch.float8_e5m2)).mean == 1
    assert figures(torch.ones(2, device="meta")).unread is not None
    assert short([torch.zeros(10**6)]) == "[float32 (1000000,)]"


def test_a_tensor_that_waits_for_its_shape_says_so() -> None:
    torch = pytest.importorskip("torch")
    weight = torch.nn.LazyLinear(3).weight
    assert short(weight) == "float32 (shape unknown)"
    assert figures(weight).unread is not None
