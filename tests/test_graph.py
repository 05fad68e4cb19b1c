"""Graphs: what they say of their nodes and tensors."""

from __future__ import annotations

import numpy as np
import pytest

from homolog.errors import Mismatch
from homolog.graph import Graph, Node, Value, Weight
from homolog.tensors import array_ref
from homolog.transforms import Axes

KERNEL = array_ref("dense/kernel", np.zeros((3, 2), np.float32))
COUNT = array_ref("norm/count", np.zeros((), np.int64))
LOOSE = array_ref("other", np.zeros(4, np.float32))
GRAPH = Graph(
    "keras",
    {
        "x": Node("x", "input"),
        "dense": Node(
            "dense",
            "linear",
            weights={"weight": Weight((KERNEL,), (Axes("inp out -> out inp"),))},
            inputs=(Value("x"),),
        ),
        "norm": Node("norm", "keras:Norm", ignored={COUNT: "counts"}, inputs=(Value("dense"), Value("x"))),
    },
    (Value("norm"),),
    (LOOSE,),
)


def test_what_a_graph_holds() -> None:
    assert [node.name for node in GRAPH.inputs] == ["x"]
    assert [node.name for node in GRAPH.layers] == ["dense"]
    assert dict(GRAPH.kinds()) == {"linear": 1, "keras:Norm": 1}
    assert list(GRAPH.tensors()) == ["dense/kernel", "norm/count", "other"]
    assert [(node.name, slot) for node, slot, _ in GRAPH.weights()] == [("dense", "weight")]
    assert [node.known for node in GRAPH.nodes.values()] == [True, True, False]


def test_who_reads_a_value() -> None:
    readers = {value.node: [node.name for node in nodes] for value, nodes in GRAPH.consumers().items()}
    assert readers == {"x": ["dense", "norm"], "dense": ["norm"]}


def test_a_weights_shape_is_the_rules() -> None:
    assert GRAPH.nodes["dense"].weights["weight"].shape == (2, 3)
    with pytest.raises(Mismatch, match="a shape does not fit its layout"):
        _ = Weight((LOOSE,), (Axes("inp out -> out inp"),)).shape


def test_other_nodes_in_the_same_graph() -> None:
    fewer = GRAPH.with_nodes({"x": GRAPH.nodes["x"]})
    assert list(fewer.nodes) == ["x"]
    assert (fewer.outputs, fewer.loose, fewer.framework) == (GRAPH.outputs, GRAPH.loose, "keras")
