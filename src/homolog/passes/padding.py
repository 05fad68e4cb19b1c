"""Folds padding with zeros into the layer behind it, which is where the other framework may have it.

Keras models pad in front of a strided convolution with a layer of its own, because Keras's ``same`` pads otherwise
than PyTorch's ``padding=1``; PyTorch models do so where they take over what Keras's ``same`` did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from homolog.graph import Graph, Node, Value
from homolog.rules.conv import Pads

CONVOLUTIONS = tuple(f"conv{rank}d" for rank in (1, 2, 3))
AVERAGES = tuple(f"avg_pool{rank}d" for rank in (1, 2, 3))
MAXIMA = tuple(f"max_pool{rank}d" for rank in (1, 2, 3))


def padding(graph: Graph) -> Graph:
    """The graph without the padding nodes that every reader can take over.

    Args:
        graph: with settled fields, as ``passes.shapes`` leaves them.
    """
    if not graph.wired:
        return graph
    nodes = dict(graph.nodes)
    readers = graph.consumers()
    for name in graph.nodes:
        pad = nodes[name]  # which may have taken over what was padded in front of it
        behind = [nodes[node.name] for node in readers.get(Value(pad.name), ())]
        if not _of_zeros(pad) or Value(pad.name) in graph.outputs or not behind:
            continue
        if all(_takes(node, _before(pad, nodes)) for node in behind):
            nodes.update({node.name: _padded(node, pad) for node in behind})
            del nodes[pad.name]
    return graph.with_nodes(nodes)


def _of_zeros(node: Node) -> bool:
    fields = node.fields
    return (
        node.kind == "pad"
        and (fields["mode"], fields["value"]) == ("constant", 0.0)
        and min(_amounts(fields["padding"]), default=0) >= 0
    )


def _before(pad: Node, nodes: Mapping[str, Node]) -> Node:
    return nodes[pad.inputs[0].node]


def _takes(node: Node, before: Node) -> bool:
    """Whether a node that reads padded values would give the same if it padded them itself.

    A convolution pads with zeros. An average does if it counts its padding. A maximum pads with nothing, which is
    the same where no value is negative: behind a ReLU.
    """
    if isinstance(node.fields.get("padding"), str) or len(node.inputs) != 1:
        return False
    if node.kind == "pad":
        return _of_zeros(node)
    if node.kind in CONVOLUTIONS:
        return node.fields["padding_mode"] == "zeros"
    unpadded = not any(_amounts(node.fields.get("padding", ())))
    if node.kind in AVERAGES:
        return unpadded and not node.fields["ceil_mode"]
    return node.kind in MAXIMA and unpadded and not node.fields["ceil_mode"] and _not_negative(before)


def _not_negative(node: Node) -> bool:
    return node.kind == "sigmoid" or (
        node.kind == "relu" and not node.fields["negative_slope"] and not node.fields["threshold"]
    )


def _padded(node: Node, pad: Node) -> Node:
    fields = {**node.fields, "padding": _sum(pad.fields["padding"], node.fields["padding"])}
    if node.kind in AVERAGES:
        fields["count_include_pad"] = True
    return replace(node, fields=fields, inputs=pad.inputs)


def _sum(first: object, second: object) -> Pads:
    """Both paddings, axis by axis."""
    pairs = zip(cast(Pads, first), cast(Pads, second), strict=True)
    return tuple((p[0] + q[0], p[1] + q[1]) for p, q in pairs)


def _amounts(pads: object) -> Iterable[int]:
    return (amount for pair in cast(Pads, pads) for amount in pair)
