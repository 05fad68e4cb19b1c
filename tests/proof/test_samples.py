"""Random inputs for two networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from homolog.errors import Mismatch, Unsupported, Usage
from homolog.graph import Framework, Graph, Node, OpenShape, Value, Weight
from homolog.passes.labels import spatial_labels
from homolog.proof.samples import given_samples, leading, odd_length, open_axes, samples
from homolog.signature import BELOW, OPEN
from homolog.tensors import Array, TensorRef


def graph(*shapes: OpenShape, framework: Framework = "pytorch") -> Graph:
    nodes = {f"in{i}": Node(f"in{i}", "input", shapes=(shape,)) for i, shape in enumerate(shapes)}
    return Graph(framework, nodes)


def typed(framework: Framework, vocabulary: int = 0, **dtypes: str) -> Graph:
    """Inputs of these names and types; the first is cast and looked up in a table of so many rows."""
    nodes = {name: Node(name, "input", {"dtype": dtype}, shapes=((None, 11),)) for name, dtype in dtypes.items()}
    if vocabulary:
        first = next(iter(nodes))
        table = Weight((TensorRef("table", (vocabulary, 3), "float32", lambda: np.zeros((vocabulary, 3))),))
        nodes["cast"] = Node("cast", "keras:Cast", inputs=(Value(first),))
        nodes["table"] = Node("table", "embedding", {}, {"weight": table}, inputs=(Value("cast"),))
    return Graph(framework, nodes)


def test_both_get_the_same_numbers() -> None:
    found = samples(graph((None, 3)), graph((None, 3)), batch=2, seed=5)

    np.testing.assert_array_equal(found.first["in0"], found.second["in0"])
    assert found.first["in0"].shape == (2, 3)
    other = samples(graph((None, 3)), graph((None, 3)), batch=2, seed=6)
    assert not np.array_equal(found.first["in0"], other.first["in0"])


def test_what_one_leaves_open_the_other_says() -> None:
    found = samples(graph((None, None, 3)), graph((None, 7, None)), batch=1, seed=0)

    assert found.first["in0"].shape == (1, 7, 3)


def test_another_number_of_inputs() -> None:
    with pytest.raises(Mismatch, match="number of inputs"):
        samples(graph((None, 3)), graph((None, 3), (None, 3)), batch=1, seed=0)


def test_other_shapes() -> None:
    with pytest.raises(Mismatch, match="other shapes"):
        samples(graph((None, 3)), graph((None, 4)), batch=1, seed=0)


def test_shapes_that_nobody_knows() -> None:
    with pytest.raises(Unsupported, match="--input"):
        samples(graph((None, None)), graph((None, None)), batch=1, seed=0)


def test_ids_masks_and_positions_are_what_they_are() -> None:
    ours = typed("pytorch", input_ids="int64", attention_mask="int64", position_ids="int64", scores="float32")
    theirs = typed("keras", 5, token_ids="int32", padding_mask="bool", positions="int32", scores="float32")

    found = samples(ours, theirs, batch=40, seed=0)

    assert set(found.first["input_ids"].flat) == set(range(5))
    assert [array.dtype.name for array in found.first.values()] == ["int64", "int64", "int64", "float32"]
    assert [array.dtype.name for array in found.second.values()] == ["int32", "bool", "int32", "float32"]
    assert {0, 1} == set(found.first["attention_mask"].flat)
    np.testing.assert_array_equal(found.first["position_ids"][7], np.arange(11))
    for one, two in zip(found.first.values(), found.second.values(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("shape", [(None, 3, 8, 6), (None, None, None, None), ()])
def test_the_side_without_labels_has_the_axes_that_its_framework_has(shape: OpenShape) -> None:
    told = graph((None, 8, 6, 3), framework="keras")
    labelled = replace(told.nodes["in0"], labels=(spatial_labels(2, last=True, shape=(None, 8, 6, 3)),))
    keras = told.with_nodes({"in0": labelled})
    torch = Graph("pytorch", {"in0": Node("in0", "input", shapes=(shape,) if shape else ())})

    for a, b in ((keras, torch), (torch, keras)):
        found = samples(a, b, batch=2, seed=0)
        images = found.first["in0"], found.second["in0"]
        last, first = images if a is keras else images[::-1]
        assert (last.shape, first.shape) == ((2, 8, 6, 3), (2, 3, 8, 6))
        np.testing.assert_array_equal(np.moveaxis(last, -1, 1), first)


@pytest.mark.parametrize(("shape", "least"), [((40, 11), 1), ((40, 1, 1, 11), 1), ((40, 7, 11), 5), ((40, 2), 1)])
def test_every_row_of_a_mask_keeps_something_and_masks_something(shape: tuple[int, ...], least: int) -> None:
    mask = leading(shape, np.random.default_rng(0), least)

    rows = mask.reshape(-1, shape[-1])
    kept = rows.sum(axis=1)
    assert mask.shape == shape
    assert least <= kept.min() <= kept.max() < shape[-1]
    assert all((np.diff(row) <= 0).all() for row in rows)  # ones in front


def test_there_is_nothing_to_mask_in_a_single_place() -> None:
    assert leading((5, 1), np.random.default_rng(0)).all()
    assert leading((5,), np.random.default_rng(0)).all()


def test_masks_are_other_ones_for_every_row_and_seed() -> None:
    ours, theirs = typed("pytorch", mask="int64"), typed("keras", mask="bool")

    first, other = (samples(ours, theirs, batch=40, seed=seed).first["mask"] for seed in (0, 1))

    assert len(np.unique(first, axis=0)) > 5
    assert not np.array_equal(first, other)


def test_a_boolean_of_any_name_is_a_mask() -> None:
    ours, theirs = typed("pytorch", there="bool"), typed("keras", there="bool")

    found = samples(ours, theirs, batch=1, seed=0).first["there"]

    assert found.dtype == bool
    assert found[0, 0]
    assert not found.all()


def test_whole_numbers_stay_below_those_that_the_user_gave() -> None:
    ours, theirs = typed("pytorch", count="int64"), typed("keras", count="int32")
    told = ours.with_nodes({"count": replace(ours.nodes["count"], fields={"dtype": "int64", BELOW: 6})})

    assert set(samples(told, theirs, batch=40, seed=0).first["count"].flat) == {1, 2, 3, 4, 5}
    assert set(samples(ours, theirs, batch=40, seed=0).first["count"].flat) == {1}
    assert set(samples(ours, theirs, batch=40, seed=0, varied=True).first["count"].flat) == {0, 1}


def test_bytes_are_pixels() -> None:
    found = samples(typed("keras", image="uint8"), typed("pytorch", image="uint8"), batch=40, seed=0).second["image"]

    assert found.dtype == np.uint8
    assert (found.min() < 10, found.max() > 245) == (True, True)


def test_segments_of_unknown_number_are_two() -> None:
    ours, theirs = typed("pytorch", token_type_ids="int64"), typed("keras", segment_ids="int32")

    assert set(samples(ours, theirs, batch=3, seed=0).first["token_type_ids"].flat) == {0, 1}


def test_ids_end_in_padding_where_no_mask_says_it() -> None:
    plain = typed("pytorch", 50, ids="int64"), typed("keras", 50, ids="int32")
    masked = typed("pytorch", 50, ids="int64", mask="int64"), typed("keras", 50, ids="int32", mask="bool")

    padded = samples(*plain, batch=20, seed=0).first["ids"]
    full = samples(*masked, batch=20, seed=0).first["ids"]

    assert (padded[:, :5] > 0).all()
    assert (padded[:, -1] == 0).all()
    assert (full[:, -1] > 0).any()


def given(*arrays: Array, **named: Array) -> Any:
    return named or list(arrays)


def images(labelled: bool = True) -> tuple[Graph, Graph]:
    """Channels first in PyTorch, last in Keras, which leaves height and width open."""
    shape = (None, None, None, 3)
    fields = {OPEN: (0, 1, 2), "dtype": "float32"}
    theirs = Node("image", "input", fields, shapes=((None, 64, 64, 3),))
    if labelled:
        theirs = replace(theirs, labels=(spatial_labels(2, last=True, shape=shape),))
    ours = Node("x", "input", {"dtype": "float32"}, shapes=((None, 3, 64, 64),))
    return Graph("pytorch", {"x": ours}), Graph("keras", {"image": theirs})


def test_given_inputs_are_the_ones_and_the_second_gets_them_arranged() -> None:
    ours, theirs = images()
    values = np.random.default_rng(0).standard_normal((2, 3, 64, 64)).astype(np.float32)

    for brought in (given(values), given(x=values), given(x=values.astype(np.float64))):
        found = given_samples(ours, theirs, brought)
        np.testing.assert_array_equal(found.first["x"], values)
        np.testing.assert_array_equal(found.second["image"], np.moveaxis(values, 1, -1))
        assert found.first["x"].dtype == np.float32


def test_given_ids_take_the_element_type_of_each_network() -> None:
    ours = typed("pytorch", input_ids="int64", mask="int64")
    theirs = typed("keras", 5, token_ids="int32", padding_mask="bool")
    ids, mask = np.full((2, 11), 4, np.uint8), np.ones((2, 11), bool)

    found = given_samples(ours, theirs, {"mask": mask, "input_ids": ids})

    assert [array.dtype.name for array in found.first.values()] == ["int64", "int64"]
    assert [array.dtype.name for array in found.second.values()] == ["int32", "bool"]


@pytest.mark.parametrize(
    ("brought", "what", "found"),
    [
        (given(np.zeros((1, 11), int)), "not those that the network takes", "1 without names"),
        (given(ids=np.zeros((1, 11), int), y=np.zeros((1, 11), int)), "not those that the network takes", "ids, y"),
        (given(np.zeros((1, 12), int), np.ones((1, 11), int)), "another shape", "(1, 12)"),
        (given(np.zeros((11,), int), np.ones((1, 11), int)), "another shape", "(11,)"),
        (given(np.zeros((0, 11), int), np.ones((1, 11), int)), "another shape", "(0, 11)"),
        (given(np.zeros((1, 11)), np.ones((1, 11), int)), "another element type", "float64"),
        (given(np.full((1, 11), 5), np.ones((1, 11), int)), "values that the network does not know", "5 to 5"),
        (given(np.full((1, 11), -1), np.ones((1, 11), int)), "values that the network does not know", "-1 to -1"),
        (given(np.zeros((1, 11), int), np.full((1, 11), 2)), "values that the network does not know", "2 to 2"),
    ],
)
def test_given_inputs_that_do_not_fit(brought: Any, what: str, found: str) -> None:
    ours, theirs = typed("pytorch", 5, ids="int64", mask="bool"), typed("keras", 5, ids="int32", mask="bool")
    ours, theirs = (
        graph.with_nodes(
            {name: replace(node, shapes=((None, 11),)) if node.shapes else node for name, node in graph.nodes.items()}
        )
        for graph in (ours, theirs)
    )

    with pytest.raises(Usage, match=what) as caught:
        given_samples(ours, theirs, brought)
    assert caught.value.found == found
    assert caught.value.expected


def test_given_inputs_that_are_no_numbers() -> None:
    with pytest.raises(Usage, match="NaN"):
        given_samples(*images(), [np.full((1, 3, 64, 64), np.nan, np.float32)])
    with pytest.raises(Usage, match="element type"):
        given_samples(*images(), [np.zeros((1, 3, 64, 64), np.uint8)])


def test_given_inputs_that_only_the_second_cannot_take() -> None:
    with pytest.raises(Mismatch, match="other shapes"):
        given_samples(graph((None, 5)), graph((None, 4)), [np.zeros((1, 5), np.float32)])


def test_axes_that_one_leaves_open_and_the_other_says_nothing_of() -> None:
    ours, theirs = images()

    assert open_axes(ours, theirs) == {"x": {2, 3}}
    assert open_axes(theirs, ours) == {"image": {1, 2}}
    assert open_axes(ours, ours) == {}


def test_lengths_that_both_leave_open_are_chosen() -> None:
    ids = Node("ids", "input", {OPEN: (0, 1), "dtype": "int32"}, shapes=((None, None),))
    both = Graph("keras", {"ids": ids})

    assert samples(both, both, batch=2, seed=0).first["ids"].shape == (2, 11)
    assert samples(both, both, batch=2, seed=0, odd=True).first["ids"].shape == (2, 7)


def test_an_axis_that_one_fixes_is_not_open() -> None:
    _, theirs = images()
    fixed = replace(theirs.nodes["image"], fields={OPEN: (0, 2)})

    assert open_axes(theirs, Graph("keras", {"image": fixed})) == {"image": {2}}


def test_odd_sizes_are_drawn_where_lengths_are_open_and_nowhere_else() -> None:
    ours, theirs = images()

    found = samples(ours, theirs, batch=2, seed=1, odd=True)

    assert found.first["x"].shape == (2, 3, 67, 53)
    np.testing.assert_array_equal(np.moveaxis(found.first["x"], 1, -1), found.second["image"])
    assert samples(ours, theirs, batch=2, seed=1).first["x"].shape == (2, 3, 64, 64)
    assert samples(graph((None, 8)), graph((None, 8)), batch=2, seed=1, odd=True).first["in0"].shape == (2, 8)


@pytest.mark.parametrize("shape", [(2, length, width) for length in range(1, 20) for width in (1, 7)])
def test_an_odd_length_is_odd_and_another(shape: tuple[int, ...]) -> None:
    found = odd_length(shape, 1)
    assert (found % 2, found != shape[1], found > 0) == (1, True, True)


@pytest.mark.parametrize("length", range(1, 80))
def test_the_odd_lengths_of_an_image(length: int) -> None:
    found = [odd_length((1, length, length, length), axis) for axis in (1, 2, 3)]
    assert all(n % 2 and n != length and n > 0 for n in found)
