"""What operators do to the order of axes."""

from __future__ import annotations

import pytest

from homolog.graph import Value
from homolog.passes.ways import before, fits, is_bound, is_flat, natural, permuted, way_of
from homolog.trace import Step

X = Value("x")
IMAGE = (None, 6, 4, 5)
LAST = (0, 2, 3, 1)


def step(operator: str, shape: tuple[int | None, ...], **arguments: object) -> Step:
    return Step("s", operator, "", {"self": X, **arguments}, (shape,), ("float32",))


def after(found: Step, shape: tuple[int | None, ...], order: tuple[int, ...]) -> object:
    return way_of(found)(found, shape, order, 0)


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


MAP = (None, 4, 5, 6)
FIRST = (0, 3, 1, 2)


def for_pytorch(found: Step, shape: tuple[int | None, ...], order: tuple[int, ...]) -> object:
    return way_of(found, "pytorch")(found, shape, order, 0)


@pytest.mark.parametrize(
    ("operator", "shape", "arguments", "wanted"),
    [
        ("relu", MAP, {}, FIRST),
        ("softmax", MAP, {"dim": 3}, FIRST),
        ("mean", (None, 6), {"dim": [1, 2], "keepdim": False}, (0, 1)),
        ("mean", (None, 1, 1, 6), {"dim": [1, 2], "keepdim": True}, FIRST),
        ("permute", (None, 6, 4, 5), {"dims": [0, 3, 1, 2]}, natural(4)),
        ("conv2d", MAP, {}, None),
        ("batch_norm", MAP, {}, None),
        ("linear", (None, 4, 5, 7), {}, None),
        ("layer_norm", MAP, {"normalized_shape": [6]}, None),
        ("scaled_dot_product_attention", MAP, {}, None),
        ("lstm", MAP, {}, None),
        ("flatten", (None, 120), {}, (0, (4, 5, 6))),
        ("constant_pad_nd", (None, 7, 5, 6), {"pad": [0, 0, 0, 0, 1, 2]}, FIRST),
        ("pad", (None, 7, 8, 6), {"pad": [0, 0, 2, 1, 1, 2], "mode": "reflect"}, FIRST),
        ("pad", (None, 4, 5, 9), {"pad": [1, 2], "mode": "reflect"}, None),
    ],
)
def test_what_an_operator_of_pytorch_gives_from_a_map_that_lies_channels_first(
    operator: str, shape: tuple[int | None, ...], arguments: dict[str, object], wanted: object
) -> None:
    assert for_pytorch(step(operator, shape, **arguments), MAP, FIRST) == wanted


@pytest.mark.parametrize("operator", ["batch_norm", "group_norm", "instance_norm", "prelu", "feature_dropout"])
def test_for_pytorch_channels_are_the_second_axis_where_it_lies_too(operator: str) -> None:
    found = step(operator, IMAGE)
    assert for_pytorch(found, IMAGE, natural(4)) == natural(4)
    assert for_pytorch(found, IMAGE, (0, 1, 3, 2)) == (0, 1, 3, 2)
    assert for_pytorch(found, IMAGE, LAST) is None
    assert after(found, IMAGE, LAST) == LAST
    assert is_bound(found) and not is_bound(step(operator, (None, 6)))


def test_for_pytorch_rows_become_a_map_of_one_place_wherever_its_channels_are() -> None:
    found = step("reshape", (None, 1, 1, 6))
    assert fits(found, (None, 6), natural(2), 0, FIRST, "pytorch")
    assert fits(found, (None, 6), natural(2), 0, natural(4), "pytorch")
    assert not fits(step("reshape", (None, 1, 2, 3)), (None, 6), natural(2), 0, FIRST, "pytorch")


def test_for_pytorch_a_computed_vector_stands_beside_a_map_in_any_order() -> None:
    found = Step("s", "mul", "", {"self": X, "other": Value("y")}, (MAP,), ("float32",))
    assert fits(found, (6,), natural(1), 1, FIRST, "pytorch")
    assert not fits(found, (5, 6), natural(2), 1, FIRST, "pytorch")


def test_for_pytorch_a_permutation_says_how_its_input_is_to_lie() -> None:
    found = step("permute", (None, 6, 4, 5), dims=[0, 3, 1, 2])
    assert before(found, MAP, natural(4), "pytorch") == FIRST
    assert fits(found, MAP, FIRST, 0, natural(4), "pytorch")
    assert before(found, MAP, natural(4)) is None
