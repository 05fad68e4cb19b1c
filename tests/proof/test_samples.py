"""Random inputs for two networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homolog.errors import Mismatch, Unsupported
from homolog.graph import Framework, Graph, Node, OpenShape, Value, Weight
from homolog.passes.labels import spatial_labels
from homolog.proof.samples import samples
from homolog.tensors import TensorRef


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
    assert found.first["attention_mask"].min() == 1
    assert found.second["padding_mask"].all()
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
