"""Gives a layer's form to what is written out with bare parameters.

A matrix product with a parameter is a dense layer, a row taken from one by ids an embedding, a table of positions that
no input chooses from a parameter. A slice or a transpose of a parameter, as in a packed projection, is a layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import cast

from homolog.graph import PARAMETER, Graph, Node, Value, Weight
from homolog.tensors import Shape
from homolog.transforms import Axes, Part

NAMES = "abcdefgh"
TRANSPOSED = Axes("inp out -> out inp")
PRODUCTS = {"pytorch:matmul", "pytorch:mm", "keras:Matmul", "keras:Dot"}
ROWS = {"keras:Take"}

Views = dict[Value, Weight]


def parameters(graph: Graph) -> Graph:
    """The graph with layers in place of operations on parameters."""
    if not graph.wired:
        return graph
    rewritten = _Rewritten(graph)
    for node in graph.nodes.values():
        rewritten.take(node)
    return graph.with_nodes(rewritten.swept())


class _Rewritten:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers = graph.consumers()
        self.nodes: dict[str, Node] = {}
        self.views: Views = {}
        self.moving: set[str] = set()

    def take(self, node: Node) -> None:
        """Add a node, as the layer it is."""
        if node.kind == "input" or any(value.node in self.moving for value in node.inputs):
            self.moving.add(node.name)
        if node.kind == PARAMETER:
            self.views[Value(node.name)] = node.weights["value"]
        elif len(node.inputs) == 1 and node.inputs[0] in self.views and node.kind in VIEWS:
            self._view(node)
        self.nodes[node.name] = self._formed(node)

    def swept(self) -> dict[str, Node]:
        """The nodes without parameters, and views of them, that nothing reads any more. Axes of length one are left
        out of the parameters that stay: how a parameter is broadcast is not how it is stored."""
        read = {value.node for value in self.graph.outputs}
        kept: dict[str, Node] = {}
        for name, node in reversed(list(self.nodes.items())):
            by_itself = node.kind == PARAMETER or Value(name) in self.views
            if name in read or not by_itself:
                read |= {value.node for value in node.inputs}
                kept[name] = _without_ones(node) if node.kind == PARAMETER else node
        return {name: kept[name] for name in self.nodes if name in kept}

    def _view(self, node: Node) -> None:
        weight = self.views[node.inputs[0]]
        for index, step in enumerate(VIEWS[node.kind](node.fields, weight.shape)):
            self.views[Value(node.name, index)] = replace(weight, layout=(*weight.layout, *step))

    def _formed(self, node: Node) -> Node:
        if node.kind == "embedding" and node.weights and node.name not in self.moving:
            ids = tuple(value for value in node.inputs if value in self.views)
            return replace(node, kind=PARAMETER, fields={}, weights={"value": node.weights["weight"]}, inputs=ids)
        if node.kind == "linear" and set(node.weights) == {"weight"} and node.inputs[1:2]:
            added = self.views.get(node.inputs[1])
            weights = node.weights if added is None else {**node.weights, "bias": added}
            return replace(node, weights=weights, inputs=node.inputs if added is None else node.inputs[:1])
        if node.kind == "linear" and "weight" not in node.weights:
            return self._linear(node, node.inputs[:1], node.inputs[1:2], node.inputs[2:3], None)
        if node.kind == "pytorch:addmm" and len(node.inputs) == 3:
            bias, value, kernel = node.inputs
            return self._linear(node, (value,), (kernel,), (bias,), TRANSPOSED)
        if node.kind in PRODUCTS and len(node.inputs) == 2:
            return self._linear(node, node.inputs[:1], node.inputs[1:], (), TRANSPOSED)
        if node.kind in ROWS and len(node.inputs) == 2 and node.inputs[1] in self.views:
            return replace(
                node, kind="embedding", weights={"weight": self.views[node.inputs[1]]}, inputs=node.inputs[:1]
            )
        if node.kind == "add" and len(node.inputs) == 2:
            return self._biased(node)
        return node

    def _linear(
        self, node: Node, value: Sequence[Value], kernel: Sequence[Value], bias: Sequence[Value], turn: Axes | None
    ) -> Node:
        """A product with a parameter of two axes, as a dense layer; the node itself if it is none."""
        held = [self.views.get(item) for item in (*kernel, *bias)]
        if any(weight is None for weight in held) or value[0] in self.views:
            return node
        weights = cast(list[Weight], held)
        if not weights or len(weights[0].shape) != 2:
            return node
        steps = () if turn is None else (turn,)
        slots = {**node.weights, "weight": replace(weights[0], layout=(*weights[0].layout, *steps))}
        if bias:
            slots["bias"] = weights[1]
        return replace(node, kind="linear", fields={}, weights=slots, inputs=tuple(value))

    def _biased(self, node: Node) -> Node:
        """A parameter that is added to a dense layer's output, and to nothing else of it, is its bias."""
        for value, other in (node.inputs, node.inputs[::-1]):
            layer, bias = self.nodes.get(value.node), self.views.get(other)
            if layer is None or bias is None or layer.kind != "linear" or set(layer.weights) != {"weight"}:
                continue
            alone = len(self.readers.get(value, ())) == 1 and value not in self.graph.outputs
            if alone and bias.shape == layer.weights["weight"].shape[:1]:
                self.nodes[layer.name] = replace(layer, kind="identity", weights={}, fields={})
                return replace(
                    node, kind="linear", weights={**layer.weights, "bias": bias}, inputs=layer.inputs, fields={}
                )
        return node


def _without_ones(node: Node) -> Node:
    weight = node.weights["value"]
    if 1 not in weight.shape or set(weight.shape) == {1}:
        return node
    names = [NAMES[axis] if length != 1 else "1" for axis, length in enumerate(weight.shape)]
    step = Axes(f"{' '.join(names)} -> {' '.join(name for name in names if name != '1')}")
    return replace(node, weights={"value": replace(weight, layout=(*weight.layout, step))})


def _turned(order: Sequence[int]) -> tuple[Axes, ...]:
    names = NAMES[: len(order)]
    return (Axes(f"{' '.join(names)} -> {' '.join(names[axis] for axis in order)}"),)


def _swap(fields: Mapping[str, object], shape: Shape) -> list[tuple[Axes | Part, ...]]:
    order = list(range(len(shape)))
    one, two = (cast(int, fields.get(name, place)) for place, name in enumerate(("dim0", "dim1")))
    order[one], order[two] = order[two], order[one]
    return [_turned(order)]


def _reversed(fields: Mapping[str, object], shape: Shape) -> list[tuple[Axes | Part, ...]]:
    return [_turned(range(len(shape))[::-1])]


def _permuted(fields: Mapping[str, object], shape: Shape) -> list[tuple[Axes | Part, ...]]:
    dims = fields.get("dims")
    return [_turned([axis % len(shape) for axis in cast(Shape, dims)])] if dims is not None else []


def _split(fields: Mapping[str, object], shape: Shape) -> list[tuple[Axes | Part, ...]]:
    axis = cast(int, fields.get("dim", 0)) % len(shape)
    sizes = fields.get("split_sizes", fields.get("split_size"))
    if "chunks" in fields:
        sizes = -(-shape[axis] // cast(int, fields["chunks"]))
    if isinstance(sizes, int):
        whole = shape[axis]
        sizes = [min(sizes, whole - start) for start in range(0, whole, sizes)]
    bounds = pairwise(accumulate(cast(Sequence[int], sizes), initial=0))
    return [(Part(axis, start, stop),) for start, stop in bounds]


def _slice(fields: Mapping[str, object], shape: Shape) -> list[tuple[Axes | Part, ...]]:
    axis = cast(int, fields.get("dim", 0)) % len(shape)
    if fields.get("step", 1) != 1:
        return []
    start, stop, _ = slice(fields.get("start"), fields.get("end")).indices(shape[axis])
    return [(Part(axis, start, stop),)] if (start, stop) != (0, shape[axis]) else [()]


VIEWS: Mapping[str, Callable[[Mapping[str, object], Shape], list[tuple[Axes | Part, ...]]]] = {
    "identity": lambda fields, shape: [()],
    "permute": _permuted,
    "pytorch:t": _swap,
    "pytorch:numpy_T": _reversed,
    "pytorch:mT": lambda fields, shape: [_turned([*range(len(shape) - 2), len(shape) - 1, len(shape) - 2])],
    "pytorch:transpose.int": _swap,
    "pytorch:split_with_sizes": _split,
    "pytorch:split.Tensor": _split,
    "pytorch:chunk": _split,
    "pytorch:slice.Tensor": _slice,
}
"""For each kind of view, what it does to a parameter of a shape: one step of layout for each output; none if it is no
view after all."""
