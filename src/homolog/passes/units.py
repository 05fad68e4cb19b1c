"""Takes layers that are several layers in one apart into units, which are alike in both frameworks.

A stack of recurrent layers becomes one node for each layer and direction, an attention one linear node for each
projection, a separable convolution two convolutions; the rule of the layer says how. A last step that is picked from a
sequence, or a last state from a stack of such, is what the unit gives by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from homolog import rules
from homolog.graph import Graph, Node, Value
from homolog.rules.recurrent import CELLS, SEQUENCE, STATE, STATES

ZEROS = "pytorch:zeros"
Values = dict[Value, Value]


def units(graph: Graph) -> Graph:
    """The graph with units in place of layers that are several in one.

    Args:
        graph: as a reader leaves it; wired or not.
    """
    nodes: dict[str, Node] = {}
    same: Values = {}
    joins: set[str] = set()
    for node in graph.nodes.values():
        node = replace(node, inputs=tuple(same.get(value, value) for value in node.inputs))  # noqa: PLW2901
        rule = rules.for_kind(node.kind)
        picked = _picked(node, nodes)
        if picked is not None:
            same[Value(node.name)] = picked
        elif rule is not None and rule.units is not None:
            parts, given = rule.units(_without_zeros(node, nodes))
            nodes.update({part.name: part for part in parts})
            joins |= {part.name for part in parts if not part.weights}
            same.update({Value(node.name, index): value for index, value in enumerate(given)})
        else:
            nodes[node.name] = _without_zeros(node, nodes) if node.kind in CELLS else node
    outputs = tuple(same.get(value, value) for value in graph.outputs)
    made = replace(graph, nodes=_read(nodes, outputs, joins) if graph.wired else nodes, outputs=outputs)
    held = made.tensors()
    lost = tuple(ref for name, ref in graph.tensors().items() if name not in held)
    return replace(made, loose=(*made.loose, *lost))


def _picked(node: Node, nodes: Mapping[str, Node]) -> Value | None:
    """The value that a node picks out of others, None if it computes anything."""
    before = nodes.get(node.inputs[0].node) if len(node.inputs) == 1 else None
    if before is None or not node.kind.endswith(("select.int", "squeeze.dim")):
        return None
    axis, index = node.fields.get("dim"), node.fields.get("index", 0)
    if not isinstance(axis, int) or not isinstance(index, int):
        return None
    if (
        before.kind == "stack"
        and axis == before.fields["dim"]
        and (node.kind.endswith("select.int") or len(before.inputs) == 1)
    ):
        return before.inputs[index]
    is_time = axis == (1 if before.fields.get("batch_first") else 0)
    forward = before.kind in STATES and not before.fields["go_backwards"]
    last = index == -1 and node.inputs[0].index == SEQUENCE
    return Value(before.name, STATE) if forward and is_time and last and node.kind.endswith("select.int") else None


def _without_zeros(node: Node, nodes: Mapping[str, Node]) -> Node:
    """A recurrent layer begins with zeros anyway; PyTorch's trace makes them."""
    return replace(node, inputs=tuple(value for value in node.inputs if nodes[value.node].kind != ZEROS))


def _read(nodes: Mapping[str, Node], outputs: tuple[Value, ...], joins: set[str]) -> dict[str, Node]:
    """Without zeros, and what joins the values of units, that nothing reads."""
    read = {value.node for value in outputs}
    kept: dict[str, Node] = {}
    for name, node in reversed(list(nodes.items())):
        if name in read or (name not in joins and node.kind != ZEROS):
            kept[name] = node
            read |= {value.node for value in node.inputs}
    return {name: kept[name] for name in nodes if name in kept}
