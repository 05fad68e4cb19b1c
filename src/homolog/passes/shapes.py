"""Fills in the shapes of values from the shape of the inputs, and settles what depends on them.

Keras's ``same`` padding at a stride above one depends on the length of the input; once that is known it becomes
plain numbers, so that it can be compared with PyTorch's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from homolog import rules
from homolog.graph import Graph, Node, OpenShape
from homolog.rules.conv import Pads
from homolog.tensors import Shape


def shapes(graph: Graph, inputs: Mapping[str, OpenShape] | None = None) -> Graph:
    """The graph with every shape that its rules can tell.

    Args:
        graph: a wired graph; another comes back as it is.
        inputs: shapes of input nodes by name, in place of what the graph says.
    """
    if not graph.wired:
        return graph
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        if inputs and node.name in inputs:
            node = replace(node, shapes=(inputs[node.name],))  # noqa: PLW2901
        nodes[node.name] = _settled(node, nodes)
    return graph.with_nodes(nodes)


def channels_first(shape: OpenShape, last: bool) -> OpenShape:
    """A spatial value's shape with the channels behind the batch axis, whichever way it is stored."""
    return (shape[0], shape[-1], *shape[1:-1]) if last and len(shape) > 2 else shape


def channels_last(shape: OpenShape, last: bool) -> OpenShape:
    """The way back."""
    return (shape[0], *shape[2:], shape[1]) if last and len(shape) > 2 else shape


def _settled(node: Node, done: Mapping[str, Node]) -> Node:
    rule = rules.for_kind(node.kind)
    if rule is None or not node.inputs:
        return node
    known = [done[value.node].shapes[value.index : value.index + 1] for value in node.inputs]
    if not all(known):
        return node
    last = rule.layout.way in ("spatial", "flatten") and node.fields.get("data_format") == "channels_last"
    spatial = last and rule.layout.way == "spatial"
    incoming = [channels_first(shape[0], spatial) for shape in known]
    fields = dict(node.fields)
    if fields.get("padding") == "same":
        fields["padding"] = _resolved(fields, incoming[0])
    if node.shapes:
        return replace(node, fields=fields)
    weights = {slot: weight.shape for slot, weight in node.weights.items()}
    outgoing = channels_last(rule.infer(fields, weights, incoming), spatial)
    return replace(node, fields=fields, shapes=(outgoing,))


def _resolved(fields: Mapping[str, object], shape: OpenShape) -> object:
    """``same`` as numbers, as TensorFlow defines it: as many windows as length / stride rounded up, the odd pad
    behind; still ``same`` while a length is open."""
    if None in shape[2:]:
        return "same"
    kernel, stride = (cast(Shape, fields[name]) for name in ("kernel_size", "stride"))
    dilation = cast(Shape, fields.get("dilation", (1,) * len(kernel)))
    pads = []
    for length, k, s, d in zip(cast(Shape, shape[2:]), kernel, stride, dilation, strict=True):
        total = max((-(-length // s) - 1) * s + d * (k - 1) + 1 - length, 0)
        pads.append((total // 2, total - total // 2))
    return cast(Pads, tuple(pads))
