"""Fills in the shapes of values from the shape of the inputs, and settles what depends on them.

Keras's ``same`` padding at a stride above one depends on the length of the input; once that is known it becomes
plain numbers, so that it can be compared with PyTorch's. An axis is counted from the front once the rank is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from homolog import rules
from homolog.graph import Graph, Node, OpenShape
from homolog.rules import Rule


def shapes(graph: Graph, inputs: Mapping[str, OpenShape] | None = None) -> Graph:
    """The graph with every shape that its rules can tell.

    What a rule tells of a node's output takes the place of what the source says of it, which holds for the inputs
    that the source was built or traced with; where no rule stands behind a node, the source's word is kept.

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
    if rule is None or not node.inputs or not _complete(node, rule):
        return node
    known = [done[value.node].shapes[value.index : value.index + 1] for value in node.inputs]
    if not all(shape and shape[0] for shape in known):
        return node
    last = rule.layout.way == "spatial" and node.fields.get("data_format") == "channels_last"
    incoming = [channels_first(shape[0], last) for shape in known]
    fields = rule.settle(dict(node.fields), incoming)
    weights = {slot: weight.shape for slot, weight in node.weights.items()}
    outgoing = channels_last(rule.infer(fields, weights, incoming), last)
    further = node.shapes[1:] if rule.states is None else rule.states(fields, weights, incoming)
    return replace(node, fields=fields, shapes=(outgoing, *further))


def _complete(node: Node, rule: Rule) -> bool:
    """Whether the weights that every layer of the kind has are there: a configuration alone has none, and an
    operation on a computed weight neither."""
    return all(slot.name in node.weights for slot in rule.slots if slot.when is None)
