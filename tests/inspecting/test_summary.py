"""Counting layers and tensors: each tensor once, parameters and buffers apart, on graphs made by hand."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Literal

import numpy as np
import pytest

from homolog.errors import Usage
from homolog.graph import BARE, Graph, Node, Value, Weight
from homolog.inspecting.summary import NO_LAYER, Summary, summarise
from homolog.tensors import TensorRef, array_ref


def ref(
    name: str, *shape: int, dtype: str = "float32", storage: Hashable = None, trained: bool | None = None
) -> TensorRef:
    return array_ref(name, np.zeros(shape, dtype), storage=storage, trainable=trained)


def layer(
    name: str, kind: str, source: str, *, type: str = "", shape: tuple[int | None, ...] = (), **weights: Weight
) -> Node:
    shapes = (shape,) if shape else ()
    return Node(name, kind, weights=weights, inputs=(Value(source),), shapes=shapes, layer=name, type=type or kind)


def graph(
    *nodes: Node,
    framework: Literal["pytorch", "keras"] = "pytorch",
    wired: bool = True,
    loose: tuple[TensorRef, ...] = (),
) -> Graph:
    return Graph(framework, {node.name: node for node in nodes}, (Value(nodes[-1].name),), loose, wired)


ENTRY = Node("x", "input", shapes=((None, 3, 5),))


def rows(summary: Summary) -> dict[str, tuple[int, int, int]]:
    return {row.name: (row.parameters, row.buffers, row.tied) for row in summary.rows}


def test_a_row_has_name_type_kind_shape_and_counts() -> None:
    dense = layer("fc", "linear", "x", type="Linear", shape=(None, 3, 7), weight=Weight((ref("fc.weight", 7, 5),)))
    (row,) = summarise(graph(ENTRY, dense)).rows
    assert (row.name, row.type, row.kind, row.outputs) == ("fc", "Linear", "linear", ((None, 3, 7),))
    assert (row.parameters, row.buffers, row.tied) == (35, 0, 0)


def test_moving_statistics_are_buffers_in_both_frameworks() -> None:
    slots = {
        "weight": Weight((ref("bn/gamma", 7),)),
        "bias": Weight((ref("bn/beta", 7),)),
        "running_mean": Weight((ref("bn/moving_mean", 7),), trainable=False),
        "running_var": Weight((ref("bn/moving_variance", 7),), trainable=False),
    }
    for framework in ("pytorch", "keras"):
        summary = summarise(graph(ENTRY, layer("bn", "batch_norm", "x", **slots), framework=framework))
        assert (summary.parameters, summary.trainable, summary.buffers) == (14, 14, 14)


def test_frozen_parameters_stay_parameters() -> None:
    weights = {"weight": Weight((ref("fc.weight", 7, 5, trained=False),)), "bias": Weight((ref("fc.bias", 7),))}
    summary = summarise(graph(ENTRY, layer("fc", "linear", "x", **weights)))
    assert (summary.parameters, summary.trainable, summary.buffers) == (42, 7, 0)


def test_tied_tensors_are_counted_once() -> None:
    first = layer("embed", "embedding", "x", weight=Weight((ref("embed.weight", 11, 5, storage="shared"),)))
    second = layer("head", "linear", "embed", weight=Weight((ref("head.weight", 11, 5, storage="shared"),)))
    summary = summarise(graph(ENTRY, first, second))
    assert rows(summary) == {"embed": (55, 0, 0), "head": (0, 0, 55)}
    assert summary.parameters == 55
    assert summary.tied == {"head.weight": "embed.weight"}
    assert summary.nbytes == {"float32": 220}


def test_empty_tensors_share_nothing() -> None:
    weights = {"weight": Weight((ref("a", 0, 5, storage=0),)), "bias": Weight((ref("b", 0, storage=0),))}
    assert summarise(graph(ENTRY, layer("fc", "linear", "x", **weights))).tied == {}


def test_a_layer_that_is_called_twice_is_one_layer() -> None:
    weights = {"weight": Weight((ref("fc/kernel", 5, 5),))}
    first = layer("fc", "linear", "x", type="Dense", **weights)
    again = Node("fc:1", "linear", weights=weights, inputs=(Value("fc"),), layer="fc", type="Dense")
    act = Node("act", "relu", inputs=(Value("fc"),), layer="act", type="ReLU")
    twice = Node("act:1", "relu", inputs=(Value("fc:1"),), layer="act", type="ReLU")
    summary = summarise(graph(ENTRY, first, act, again, twice))
    assert rows(summary) == {"fc": (25, 0, 0), "act": (0, 0, 0), "fc:1": (0, 0, 25), "act:1": (0, 0, 0)}
    assert summary.kinds == {"linear": 1, "relu": 1}
    assert summary.types == {"Dense": 1, "ReLU": 1}
    assert summary.tied == {}


def test_operations_that_are_no_layers_are_counted_each() -> None:
    adds = [Node(f"add_{place}", "add", inputs=(Value("x"),), type="add") for place in range(3)]
    assert summarise(graph(ENTRY, *adds)).kinds == {"add": 3}


def test_ignored_tensors_are_apart_with_their_reason() -> None:
    counter = ref("bn.num_batches_tracked", dtype="int64")
    node = Node("bn", "batch_norm", ignored={counter: "counts steps"}, inputs=(Value("x"),), layer="bn")
    summary = summarise(graph(ENTRY, node))
    assert summary.ignored == {"bn.num_batches_tracked": "counts steps"}
    assert (summary.parameters, summary.buffers, summary.nbytes) == (0, 0, {})


def test_bytes_are_by_element_type() -> None:
    weights = {"weight": Weight((ref("w", 7, 5),)), "bias": Weight((ref("b", 7, dtype="float16"),))}
    assert summarise(graph(ENTRY, layer("fc", "linear", "x", **weights))).nbytes == {"float32": 140, "float16": 14}


def test_a_bare_state_dict_has_layers_in_order_and_tells_statistics_by_their_names() -> None:
    nodes = [
        Node(
            "1",
            BARE,
            weights={"weight": Weight((ref("1.weight", 7),)), "running_var": Weight((ref("1.running_var", 7),))},
        ),
        Node("0", BARE, weights={"weight": Weight((ref("0.weight", 3, 2),))}),
    ]
    summary = summarise(Graph("pytorch", {node.name: node for node in nodes}, wired=False))
    assert not summary.wired
    assert rows(summary) == {"1": (7, 7, 0), "0": (6, 0, 0)}
    assert summary.types == summary.kinds == {}


def test_tensors_that_no_layer_holds_have_rows_of_their_own() -> None:
    loose = (ref("scale", 3, trained=True), ref("mask", 5, trained=False))
    summary = summarise(graph(ENTRY, layer("fc", "linear", "x"), loose=loose))
    assert rows(summary) == {"fc": (0, 0, 0), "scale": (3, 0, 0), "mask": (0, 5, 0)}
    assert [row.type for row in summary.rows] == ["linear", NO_LAYER, NO_LAYER]


def test_a_word_filters_rows_by_name_or_type_and_leaves_the_totals() -> None:
    first = layer("0", "conv2d", "x", type="Conv2d", weight=Weight((ref("0.weight", 2, 3),)))
    second = layer("1", "linear", "0", type="Linear", weight=Weight((ref("1.weight", 5, 7),)))
    whole = summarise(graph(ENTRY, first, second))
    assert [row.name for row in whole.matching("CONV").rows] == ["0"]
    assert [row.name for row in whole.matching("^1$").rows] == ["1"]
    assert whole.matching("conv").parameters == whole.parameters == 41
    assert whole.matching("conv").total == 2
    with pytest.raises(Usage):
        whole.matching("(")


def test_it_is_json() -> None:
    dense = layer("fc", "linear", "x", shape=(None, 3, 7), weight=Weight((ref("fc.weight", 7, 5),)))
    found = json.loads(json.dumps(summarise(graph(ENTRY, dense)).to_dict()))
    assert found["layers"][0]["outputs"] == [[None, 3, 7]]
    assert found["parameters"] == 35


def test_it_reads_no_values() -> None:
    def fail() -> np.ndarray:
        raise AssertionError("read")

    unread = TensorRef("fc.weight", (7, 5), "float32", fail)
    assert summarise(graph(ENTRY, layer("fc", "linear", "x", weight=Weight((unread,))))).parameters == 35
