"""Which layer is whose, where a side does not say how it is connected: by order, shapes and names of slots.

This is less than a graph can say, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from homolog import rules
from homolog.errors import Mismatch
from homolog.graph import BARE, Graph, Node, Weight
from homolog.matching.structure import Pairing, signature
from homolog.passes.layout import along


def pair(a: Graph, b: Graph) -> tuple[Graph, Graph, Pairing]:
    """Pair the layers of two graphs in their order; bare layers take the kind of the layer across from them.

    Returns:
        Both graphs, bare layers dressed in the kind they were paired as, and the pairing: complete, or none at all.
    """
    left, right = list(a.layers), list(b.layers)
    pairing = Pairing((), tuple(node.name for node in left), tuple(node.name for node in right))
    if len(left) != len(right):
        return a, b, pairing
    bare = [any(node.kind == BARE for node in side) for side in (left, right)]
    if all(bare) and a.framework != b.framework:
        raise Mismatch(
            "neither side says what its layers are, so their layouts cannot be told",
            help="give at least one side its model: FILE@package.module:factory",
        )
    dressed_a = [_dressed(one, a, other, b) for one, other in zip(left, right, strict=True)]
    dressed_b = [_dressed(other, b, one, a) for one, other in zip(left, right, strict=True)]
    if [signature(node) for node in dressed_a] != [signature(node) for node in dressed_b]:
        return a, b, pairing
    names = tuple((one.name, other.name, "order, shapes") for one, other in zip(left, right, strict=True))
    return _with(a, dressed_a), _with(b, dressed_b), Pairing(names, (), ())


def _with(graph: Graph, layers: Sequence[Node]) -> Graph:
    return graph.with_nodes({**graph.nodes, **{node.name: node for node in layers}})


def _dressed(node: Node, graph: Graph, other: Node, across: Graph) -> Node:
    """A bare layer as a layer of the other's kind, if its tensors allow it; else as it was."""
    rule = rules.for_kind(other.kind)
    if node.kind != BARE or rule is None:
        return node
    refs = [weight.tensors[0] for weight in node.weights.values()]
    if graph.framework == "pytorch":
        if set(node.weights) != set(other.weights):
            return node
        return replace(node, kind=other.kind, fields=other.fields)
    slots = [slot for slot in rule.slots if slot.name in other.weights]
    if len(slots) != len(refs):
        return node
    try:
        weights = {
            slot.name: Weight((ref,), slot.from_keras(ref.shape), slot.trainable)
            for slot, ref in zip(slots, refs, strict=True)
        }
        shapes = {slot: weight.shape for slot, weight in weights.items()}
    except Mismatch:  # another rank than the kind has
        return node
    if shapes != {slot: weight.shape for slot, weight in other.weights.items()}:
        return node
    return replace(node, kind=other.kind, fields=other.fields, weights=_behind_flatten(other, across, weights))


def _behind_flatten(other: Node, across: Graph, weights: dict[str, Weight]) -> dict[str, Weight]:
    """Bare Keras weights behind a flatten: their rows stand channels last, which is Keras's default and the only
    order that its layers run in on a CPU."""
    rule = rules.for_kind(other.kind)
    if rule is None or not other.inputs:
        return weights
    labels = across.nodes[other.inputs[0].node].labels[other.inputs[0].index]
    if labels is None:
        return weights
    stored = tuple(part for part in labels[-1] if part[0] != "c") + tuple(part for part in labels[-1] if part[0] == "c")
    return {
        slot: along(other.name, weight, axis, stored) if (axis := rule.slot(slot).features) else weight
        for slot, weight in weights.items()
    }
