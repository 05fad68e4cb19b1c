"""Operators with weights: each is one module of PyTorch, as its rule says."""

from __future__ import annotations

from dataclasses import replace

from homolog.graph import Node
from homolog.passes.simpler.tied import REVERSED, REVERSIBLE
from homolog.passes.ways import Order, is_flat, turned_rows
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.registry import writes
from homolog.rules.writing import torch_module

BY_PLACE = (
    *(
        ("in_channels", "out_channels"),
        ("in_features", "out_features"),
        ("in1_features", "in2_features", "out_features"),
        ("num_embeddings", "embedding_dim"),
    ),
    *(("num_groups", "num_channels"), ("input_size", "hidden_size"), ("num_features",), ("normalized_shape",)),
    *(("kernel_size",), ("num_parameters",), ("p",)),
)
"""Arguments that people give by place, by the first of these that are all there."""


def by_place(arguments: dict[str, object]) -> dict[str, object]:
    """Arguments with those that people give by place in front and under the numbers of their places."""
    lead = next((names for names in BY_PLACE if all(name in arguments for name in names)), ())
    rest = {key: value for key, value in arguments.items() if key not in lead}
    return {**{str(place): arguments[name] for place, name in enumerate(lead)}, **rest}


def as_module(call: Call, node: Node, *given: str) -> str:
    """A node of a rule as the module that the rule says, applied."""
    made = torch_module(node)
    for key, value in made.dropped.items():
        call.assembler.notes[f"{node.name}: {key}={value!r}"] = None
    return call.weighted(f"nn.{made.name}", by_place(made.arguments), node, *given)


@writes("linear")
def linear(call: Call) -> str:
    """A dense layer; behind a flattened map its columns are put in the map's order."""
    node = call.step.layer
    if node is None:
        bias = f", {call.plain('bias')}" if call.has("bias") else ""
        return f"F.linear({call.plain('input')}, {call.plain('weight')}{bias})"
    order = call.order_of("input")
    if is_flat(order):
        node = flattened(node, order)
    return as_module(call, node, call.x("input"))


def flattened(node: Node, order: Order) -> Node:
    """A linear layer that reads a flattened map in another order than its weights have."""
    weight = node.weights["weight"]
    layout = (*weight.layout, turned_rows(order, "pytorch"))
    return replace(node, weights={**node.weights, "weight": replace(weight, layout=layout)})


@writes("bilinear")
def bilinear(call: Call) -> str:
    """For each output a matrix between two vectors."""
    one, two, node = call.plain("input1"), call.plain("input2"), call.step.layer
    if node is not None:
        return as_module(call, node, one, two)
    bias = f", {call.plain('bias')}" if call.has("bias") else ""
    return f"F.bilinear({one}, {two}, {call.plain('weight')}{bias})"


@writes("embedding")
def embedding(call: Call) -> str:
    """A row of a table for each id."""
    node = call.step.layer
    if node is None:
        return f"F.embedding({call.x('indices')}, {call.plain('weight')})"
    if node.kind == REVERSIBLE:
        return call.made(f"made({call.x('indices')})", *_table(node), node)
    return as_module(call, node, call.x("indices"))


@writes(REVERSED)
def reversed_embedding(call: Call) -> str:
    """A linear layer whose matrix is a table of embeddings."""
    node = call.step.layer
    if node is None:
        raise call.refusal("a table that is computed, and no tensor of the model's own")
    bias = f", {call.plain('bias')}" if call.has("bias") else ""
    return call.made(f"F.linear({call.x('input')}, made.weight{bias})", *_table(node), node)


def _table(node: Node) -> tuple[str, dict[str, object]]:
    rows, width = node.weights["weight"].shape
    return "nn.Embedding", {"0": rows, "1": width}
