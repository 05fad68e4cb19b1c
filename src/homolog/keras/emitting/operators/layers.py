"""Operators with weights: each is one layer of Keras, as its rule says."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from homolog.graph import Node
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.weight_norm import kernel
from homolog.keras.emitting.registry import writes
from homolog.passes.simpler.tied import REVERSED, REVERSIBLE
from homolog.passes.ways import is_flat
from homolog.rules.writing import keras_layer
from homolog.transforms import Axes

LAST = {"data_format": "channels_last"}
BY_PLACE = (("filters", "kernel_size"), ("input_dim", "output_dim"), ("units",), ("kernel_size",), ("pool_size",))
"""Arguments that people give by place, by the first of these that are all there."""


def by_place(arguments: dict[str, object]) -> dict[str, object]:
    """Arguments with those that people give by place in front and under the numbers of their places."""
    lead = next((names for names in BY_PLACE if all(name in arguments for name in names)), ())
    rest = {key: value for key, value in arguments.items() if key not in lead}
    return {**{str(place): arguments[name] for place, name in enumerate(lead)}, **rest}


def as_layer(call: Call, node: Node, *given: str) -> str:
    """A node of a rule as the layer that the rule says, applied."""
    made = keras_layer(node)
    for key, value in made.dropped.items():
        call.assembler.notes[f"{node.name}: {key}={value!r}"] = None
    return call.weighted(made.name, by_place(made.arguments), node, *given)


@writes("linear")
def linear(call: Call) -> str:
    """A dense layer; behind a flattened map its rows are put in the map's order."""
    if call.step.layer is None:
        product = f"ops.matmul({call.x('input')}, {kernel(call)})"
        return f"{product} + {call.plain('bias')}" if call.has("bias") else product
    node = call.step.layer
    order = call.order_of("input")
    if is_flat(order):
        node = flattened(node, cast(tuple[int, ...], order[1]))
    return as_layer(call, node, call.x("input"))


def flattened(node: Node, lengths: tuple[int, ...]) -> Node:
    """A linear layer that reads a flattened map with its channels last: the way from the rows in this order."""
    weight = node.weights["weight"]
    channels, *space = [f"s{place}" for place in range(len(lengths))]
    sizes = tuple(sorted(zip((channels, *space), lengths, strict=True)))
    last, first = " ".join((*space, channels)), " ".join((channels, *space))
    # from PyTorch's own to the order that the layer reads; the rule's layout is PyTorch's
    turned = Axes(f"out ({first}) -> out ({last})", sizes)
    return replace(node, weights={**node.weights, "weight": replace(weight, layout=(*weight.layout, turned))})


@writes("embedding")
def embedding(call: Call) -> str:
    """A row of a table for each id."""
    if call.step.layer is None:
        return f"ops.take({call.plain('weight')}, {call.x('indices')}, axis=0)"
    if call["scale_grad_by_freq"]:
        call.assembler.notes[f"{call.step.layer.name}: scale_grad_by_freq=True"] = None
    if call.step.layer.kind == REVERSIBLE:
        return _reversible(call, call.step.layer, call.x("indices"))
    ids = call.constant("indices")
    if (
        ids is not None
        and ids.ndim
        and _is_alone(call)
        and (ids == np.arange(ids.shape[-1])).all()
        and ids.size == ids.shape[-1]
    ):
        return _first_rows(call, call.step.layer, ids.ndim, ids.shape[-1])
    return as_layer(call, call.step.layer, call.x("indices"))


def _is_alone(call: Call) -> bool:
    """Whether no other call reads the layer's table."""
    layers = [step.layer for step in call.assembler.trace.steps.values() if step.layer is not None]
    own = call.step.layer.weights["weight"].tensors if call.step.layer is not None else ()
    return sum(own == weight.tensors for layer in layers for weight in layer.weights.values()) == 1


@writes(REVERSED)
def reversed_embedding(call: Call) -> str:
    """A score for each row of a table, which is held by the layer that looks rows up."""
    if call.step.layer is None:
        raise call.refusal("a table that is computed")
    found = _reversible(call, call.step.layer, call.x("input"), reverse=True)
    return f"{found} + {call.plain('bias')}" if call.has("bias") else found


def _reversible(call: Call, node: Node, given: str, **calls: object) -> str:
    rows, width = node.weights["weight"].shape
    settings = {key: repr(value) for key, value in calls.items()}
    return call.weighted("ReversibleEmbedding", {"0": rows, "1": width}, node, given, **settings)


def _first_rows(call: Call, node: Node, rank: int, count: int) -> str:
    """The rows of a table in their own order: no layer is needed to look them up."""
    table = call.let(call.assembler.loose(node.weights["weight"].tensors[0], call.step))
    return f"{table}[{'None, ' * (rank - 1)}:{count}, :]"
