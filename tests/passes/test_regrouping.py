"""What a new shape does to the axes of a value."""

from __future__ import annotations

import itertools
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homolog.passes.axes import laid, natural
from homolog.passes.regrouping import is_view, regrouping, regrouping_of_rows, stands_beside


@pytest.mark.parametrize(
    ("one", "two", "wanted"),
    [
        ((2, 6, 5), (2, 30), [([0], [0]), ([1, 2], [1])]),
        ((2, 30), (2, 6, 5), [([0], [0]), ([1], [1, 2])]),
        ((None, 6, 4), (None, 4, 6), [([0], [0]), ([1, 2], [1, 2])]),
        ((None, 3, 4), (None, 3, 4, 1), [([0], [0]), ([1], [1]), ([2], [2, 3])]),
        ((None, 8), (4, 2), None),
        ((None, 5, None, None), (None, 5, None), [([0], [0]), ([1], [1]), ([2, 3], [2])]),
        ((None, None, 8), (None, 8, None), None),
    ],
)
def test_shapes_are_told_apart_into_their_smallest_groups(one: object, two: object, wanted: object) -> None:
    assert regrouping(one, two) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "two", "wanted"),
    [
        ((None, 6, 11, 13, 3), (None, 11, 13, 3), [([0, 1], [0]), ([2], [1]), ([3], [2]), ([4], [3])]),
        ((None, 11, 13, 3), (None, 6, 11, 13, 3), [([0], [0, 1]), ([1], [2]), ([2], [3]), ([3], [4])]),
        ((None, 6, 11, 13, 3), (None, 13, 3), [([0, 1, 2], [0]), ([3], [1]), ([4], [2])]),
        ((None, 6, 11, 13, 3), (None, 3, 13), None),
        ((None, 6, None, 3), (None, None, 3), None),
    ],
)
def test_the_batch_may_be_one_with_the_axes_behind_it(one: object, two: object, wanted: object) -> None:
    assert regrouping_of_rows(one, two) == wanted  # type: ignore[arg-type]


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes of one size, with axes of one among them."""
    factors = draw(st.lists(st.sampled_from((1, 2, 3, 5)), min_size=1, max_size=5))
    cuts = [draw(st.lists(st.booleans(), min_size=len(factors), max_size=len(factors))) for _ in range(2)]
    return tuple(_joined(factors, cut) for cut in cuts)  # type: ignore[return-value]


def _joined(factors: list[int], cut: list[bool]) -> tuple[int, ...]:
    parts: list[list[int]] = [[]]
    for factor, is_new in zip(factors, cut, strict=True):
        if is_new and parts[-1]:
            parts.append([])
        parts[-1].append(factor)
    return tuple(prod(part) for part in parts)


@settings(max_examples=150, deadline=None)
@given(reshapes())
def test_a_view_has_every_number_where_it_is(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    one, two = shapes
    array = np.arange(prod(one)).reshape(one)
    assert is_view(one, natural(len(one)), two, natural(len(two))) or regrouping(one, two) is None
    for order in itertools.permutations(range(len(one))):
        for wanted in itertools.permutations(range(len(two))):
            if is_view(one, order, two, wanted):
                lying = array.transpose(order).reshape(laid(two, wanted))
                assert np.array_equal(lying, array.reshape(two).transpose(wanted))


@pytest.mark.parametrize(
    ("shape", "order", "wanted"),
    [
        ((5,), (0, 3, 1, 2), True),
        ((), (0, 3, 1, 2), True),
        ((4, 5), (0, 3, 1, 2), False),
        ((4, 1), (0, 3, 1, 2), True),
        ((4, 5), (0, 2, 3, 1), True),
        ((6, 4, 5), (0, 1, 2, 3), True),
    ],
)
def test_new_axes_of_one_put_a_value_beside_another(
    shape: tuple[int, ...], order: tuple[int, ...], wanted: bool
) -> None:
    assert stands_beside(shape, order) == wanted
    if wanted:
        array = np.arange(prod(shape)).reshape(shape)
        wide = array.reshape((1,) * (4 - len(shape)) + shape)
        assert np.array_equal(array.reshape(laid(wide.shape, order)), wide.transpose(order))
