"""What operators do to the order of axes."""

from __future__ import annotations

import pytest

from homolog.graph import Value
from homolog.passes.ways import channels_last, is_flat, laid, natural, permuted, regrouping, way_of, without
from homolog.trace import Step

X = Value("x")
IMAGE = (None, 6, 4, 5)
LAST = (0, 2, 3, 1)


def step(operator: str, shape: tuple[int | None, ...], **arguments: object) -> Step:
    return Step("s", operator, "", {"self": X, **arguments}, (shape,), ("float32",))


def after(found: Step, shape: tuple[int | None, ...], order: tuple[int, ...]) -> object:
    return way_of(found)(found, shape, order, 0)


def test_channels_last_moves_the_second_axis_behind_all_others() -> None:
    assert [channels_last(rank) for rank in (2, 3, 4, 5)] == [(0, 1), (0, 2, 1), LAST, (0, 2, 3, 4, 1)]
    assert laid(IMAGE, LAST) == (None, 4, 5, 6)


def test_axes_that_go_are_numbered_anew() -> None:
    assert without(LAST, (2,)) == (0, 2, 1)
    assert without(LAST, (2, 3)) == (0, 1)


def test_a_permutation_equal_to_the_change_of_layout_moves_nothing() -> None:
    assert permuted(LAST, (0, 2, 3, 1)) == natural(4)
    assert after(step("permute", (None, 4, 5, 6), dims=[0, 2, 3, 1]), IMAGE, LAST) == natural(4)
    assert after(step("permute", IMAGE, dims=[0, 3, 1, 2]), (None, 4, 5, 6), natural(4)) == LAST


@pytest.mark.parametrize(
    ("operator", "shape", "arguments", "wanted"),
    [
        ("relu", IMAGE, {}, LAST),
        ("softmax", IMAGE, {"dim": 1}, LAST),
        ("mean", (None, 6), {"dim": [2, 3], "keepdim": False}, (0, 1)),
        ("mean", (None, 6, 1, 1), {"dim": [2, 3], "keepdim": True}, LAST),
        ("select", (None, 6, 5), {"dim": 2, "index": 1}, (0, 2, 1)),
        ("matmul", IMAGE, {}, None),
        ("conv2d", (None, 7, 4, 5), {}, LAST),
    ],
)
def test_an_operator_gives_its_result_in_the_order_that_its_input_has(
    operator: str, shape: tuple[int | None, ...], arguments: dict[str, object], wanted: object
) -> None:
    assert after(step(operator, shape, **arguments), IMAGE, LAST) == wanted


def test_a_convolution_works_channels_last_alone() -> None:
    assert after(step("conv2d", (None, 7, 4, 5)), IMAGE, natural(4)) is None


def test_a_reshape_keeps_the_order_where_what_it_joins_lies_side_by_side() -> None:
    assert after(step("view", (None, 6, 20)), IMAGE, LAST) == (0, 2, 1)
    assert after(step("view", (None, 2, 3, 4, 5)), IMAGE, LAST) == (0, 3, 4, 1, 2)
    assert after(step("view", (None, 24, 5)), IMAGE, LAST) is None


def test_a_flattened_map_remembers_its_lengths() -> None:
    order = after(step("flatten", (None, 120)), IMAGE, LAST)
    assert order == (0, (6, 4, 5))
    assert is_flat(order)  # type: ignore[arg-type]
    assert after(step("flatten", (None, 6)), (None, 6, 1, 1), LAST) == natural(2)


def test_a_flattened_map_passes_what_does_not_care_for_places_alone() -> None:
    order = (0, (6, 4, 5))
    assert way_of(step("relu", (None, 120)))(step("relu", (None, 120)), (None, 120), order, 0) == order
    found = step("cumsum", (None, 120), dim=1)
    assert way_of(found)(found, (None, 120), order, 0) is None


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
