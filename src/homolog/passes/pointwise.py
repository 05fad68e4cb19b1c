"""A convolution with kernels of one cell is a dense layer over the channels, and is matched as one.

Some write the classifier, or the layers of a ConvNeXt, in the one way, and some in the other. A stride, which such a
convolution may have and a dense layer may not, stays as a field of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from homolog.graph import Graph, Node
from homolog.tensors import Shape
from homolog.transforms import Axes

RANKS = {"conv1d": "1", "conv2d": "1 1", "conv3d": "1 1 1"}


def pointwise(graph: Graph) -> Graph:
    """The graph with dense layers in place of such convolutions. Their labels stay: channels where they were."""
    return graph.with_nodes({name: _dense(node) for name, node in graph.nodes.items()})


def _dense(node: Node) -> Node:
    if node.kind not in RANKS or "weight" not in node.weights:
        return node
    weight = node.weights["weight"]
    if set(weight.shape[2:]) != {1} or node.fields.get("groups", 1) != 1 or _padded(node):
        return node
    stride = cast(Shape, node.fields["stride"])
    fields: dict[str, object] = {} if set(stride) == {1} else {"stride": stride}
    squeezed = Axes(f"out inp {RANKS[node.kind]} -> out inp")
    weights = {**node.weights, "weight": replace(weight, layout=(*weight.layout, squeezed))}
    return replace(node, kind="linear", fields=fields, weights=weights)


def _padded(node: Node) -> bool:
    pads = node.fields.get("padding")
    return isinstance(pads, tuple) and any(any(pair) for pair in pads)
