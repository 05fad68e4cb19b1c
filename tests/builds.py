"""Graphs made by hand: layers as the readers leave them, without a framework."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from homolog.graph import Graph, Node, Value, Weight
from homolog.tensors import array_ref


@dataclass
class Build:
    """Adds nodes to a graph, one after another; each method gives the name of its node."""

    prefix: str = ""
    nodes: dict[str, Node] = field(default_factory=dict)

    def input(self, name: str = "in") -> str:
        return self._add(Node(self.prefix + name, "input", shapes=((None, 8),)))

    def linear(self, name: str, before: str, width: int = 8, out: int = 8) -> str:
        return self._layer(name, "linear", before, {"weight": (out, width), "bias": (out,)})

    def norm(self, name: str, before: str, width: int = 8) -> str:
        return self._layer(name, "layer_norm", before, {"weight": (width,), "bias": (width,)})

    def op(self, name: str, kind: str, *before: str) -> str:
        return self._add(Node(self.prefix + name, kind, inputs=tuple(map(Value, before))))

    def graph(self, *outputs: str) -> Graph:
        return Graph("pytorch", self.nodes, tuple(map(Value, outputs)))

    def _layer(self, name: str, kind: str, before: str, shapes: dict[str, tuple[int, ...]]) -> str:
        full = self.prefix + name
        weights = {
            slot: Weight((array_ref(f"{full}.{slot}", np.zeros(shape, np.float32)),)) for slot, shape in shapes.items()
        }
        return self._add(Node(full, kind, {}, weights, inputs=(Value(before),)))

    def _add(self, node: Node) -> str:
        self.nodes[node.name] = node
        return node.name


def transformer(prefix: str, blocks: int, order: Sequence[str] = "qkv") -> Graph:
    """Pre-norm blocks of eight layers each; ``order`` is that in which q, k and v are defined."""
    build = Build(prefix)
    x = build.input()
    for index in range(blocks):
        block = f"{index}."
        h = build.norm(f"{block}norm1", x)
        heads = {name: build.linear(f"{block}{name}", h) for name in order}
        attended = build.op(f"{block}attention", "pytorch:scaled_dot_product_attention", *(heads[n] for n in "qkv"))
        x = build.op(f"{block}add1", "add", x, build.linear(f"{block}out", attended))
        h = build.linear(f"{block}up", build.norm(f"{block}norm2", x), out=16)
        down = build.linear(f"{block}down", build.op(f"{block}gelu", "gelu", h), width=16)
        x = build.op(f"{block}add2", "add", x, down)
    return build.graph(x)
