"""Layers that are several in one, taken apart: names, wiring, what is picked, what is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homolog.errors import Unsupported
from homolog.graph import Graph, Node, Value, Weight
from homolog.passes import units
from homolog.tensors import array_ref
from homolog.transforms import Sum


def stack(kind: str = "lstm_stack", *, layers: int = 2, both: bool = True, given: int = 3) -> Graph:
    """A wired graph of one stack, with widths 5 → 4."""
    fields = {
        "num_layers": layers,
        "bidirectional": both,
        "batch_first": True,
        "nonlinearity": "tanh",
        "dropout": 0.1,
    }
    weights: dict[str, Weight] = {}
    for layer in range(layers):
        for way in ("", "_reverse") if both else ("",):
            width = 5 if not layer else 8 if both else 4
            for name, shape in (
                ("weight_ih", (16, width)),
                ("weight_hh", (16, 4)),
                ("bias_ih", (16,)),
                ("bias_hh", (16,)),
            ):
                full = f"{name}_l{layer}{way}"
                weights[full] = Weight((array_ref(f"rnn.{full}", np.zeros(shape, np.float32)),))
    entry = Node("x", "input", {"dtype": "float32"}, shapes=((2, 3, 5),))
    node = Node("rnn", kind, fields, weights, inputs=(Value("x"),), layer="rnn", type="LSTM")
    outputs = tuple(Value("rnn", index) for index in range(given))
    return Graph("pytorch", {"x": entry, "rnn": node}, outputs)


def test_each_layer_and_direction_is_a_unit_that_reads_both_directions_below() -> None:
    made = units(stack())
    assert [(name, node.kind, [value.node for value in node.inputs]) for name, node in made.nodes.items()] == [
        ("x", "input", []),
        ("rnn.l0", "lstm", ["x"]),
        ("rnn.l0_reverse", "lstm", ["x"]),
        ("rnn.l0.both", "concat", ["rnn.l0", "rnn.l0_reverse"]),
        ("rnn.l1", "lstm", ["rnn.l0.both"]),
        ("rnn.l1_reverse", "lstm", ["rnn.l0.both"]),
        ("rnn.l1.both", "concat", ["rnn.l1", "rnn.l1_reverse"]),
        ("rnn.state1", "stack", ["rnn.l0", "rnn.l0_reverse", "rnn.l1", "rnn.l1_reverse"]),
        ("rnn.state2", "stack", ["rnn.l0", "rnn.l0_reverse", "rnn.l1", "rnn.l1_reverse"]),
    ]
    assert made.outputs == (Value("rnn.l1.both"), Value("rnn.state1"), Value("rnn.state2"))
    assert {value.index for value in made.nodes["rnn.state2"].inputs} == {2}
    assert made.nodes["rnn.l1.both"].layer == "rnn"
    assert made.nodes["rnn.l0_reverse"].fields["go_backwards"] is True
    bias = made.nodes["rnn.l0"].weights["bias"]
    assert [ref.name for ref in bias.tensors] == ["rnn.bias_ih_l0", "rnn.bias_hh_l0"]
    assert bias.layout == (Sum(),)
    assert made.tensors().keys() == stack().tensors().keys()


def test_states_that_nothing_reads_leave_nothing_behind() -> None:
    made = units(stack(layers=1, both=False, given=1))
    assert list(made.nodes) == ["x", "rnn.l0"]
    assert made.nodes["rnn.l0"].layer == "rnn"


@pytest.mark.parametrize(
    ("fields", "index", "picked"),
    [
        ({"dim": 0, "index": -1}, 1, Value("rnn.l1", 1)),  # the last layer's last state
        ({"dim": 0, "index": 0}, 2, Value("rnn.l0", 2)),
        ({"dim": 1, "index": -1}, 0, Value("rnn.l1", 1)),  # the last step of the sequence
        ({"dim": 1, "index": 0}, 0, Value("last")),
        ({"dim": 2, "index": -1}, 0, Value("last")),
    ],
)
def test_what_is_picked_is_what_a_unit_gives_by_itself(fields: dict[str, object], index: int, picked: Value) -> None:
    graph = stack(both=False, given=1)
    node = Node("last", "pytorch:select.int", fields, inputs=(Value("rnn", index),))
    graph = replace(graph, nodes={**graph.nodes, "last": node}, outputs=(Value("last"),))
    assert units(graph).outputs == (picked,)


def test_the_last_step_of_both_directions_is_not_their_last_state() -> None:
    graph = stack(layers=1, given=1)
    node = Node("last", "pytorch:select.int", {"dim": 1, "index": -1}, inputs=(Value("rnn"),))
    graph = replace(graph, nodes={**graph.nodes, "last": node}, outputs=(Value("last"),))
    assert units(graph).outputs == (Value("last"),)


def test_zeros_to_begin_with_are_no_input() -> None:
    graph = stack(layers=1, both=False, given=1)
    zeros = Node("zeros", "pytorch:zeros")
    rnn = replace(graph.nodes["rnn"], inputs=(Value("x"), Value("zeros")))
    made = units(graph.with_nodes({"zeros": zeros, "x": graph.nodes["x"], "rnn": rnn}))
    assert list(made.nodes) == ["x", "rnn.l0"]
    assert made.nodes["rnn.l0"].inputs == (Value("x"),)


def test_a_graph_without_wires_gives_units_without_wires() -> None:
    graph = stack(given=0)
    rnn = replace(graph.nodes["rnn"], inputs=())
    made = units(Graph("pytorch", {"rnn": rnn}, wired=False))
    assert list(made.nodes) == ["rnn.l0", "rnn.l0_reverse", "rnn.l1", "rnn.l1_reverse"]
    assert not any(node.inputs for node in made.nodes.values())


def test_a_tensor_of_no_layer_is_refused() -> None:
    graph = stack(layers=1, both=False)
    rnn = graph.nodes["rnn"]
    strange = {**rnn.weights, "weight_hr_l0": Weight((array_ref("rnn.weight_hr_l0", np.zeros((3, 4), np.float32)),))}
    with pytest.raises(Unsupported) as caught:
        units(graph.with_nodes({**graph.nodes, "rnn": replace(rnn, weights=strange)}))
    assert (caught.value.where, caught.value.found) == ("rnn", "rnn.weight_hr_l0")
