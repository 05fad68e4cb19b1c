"""Labels the axes of every value, and puts weights that run along flattened axes into one order.

A flatten reads (channels, height, width) in PyTorch and (height, width, channels) in Keras, so the rows of a dense
kernel behind it stand in another order. The one order is channels first. Whatever holds a number for each flattened
feature is permuted: the dense kernel's rows, a batch norm's statistics, a PReLU's slopes; and the columns of a dense
kernel whose output a reshape takes apart into a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import Graph, Label, Node, OpenShape, Value, Weight
from homolog.passes.labels import (
    MIXED,
    ORDER,
    Labels,
    canonical,
    channels_at,
    inverse_permuted,
    labels_at,
    merged,
    permuted,
    regrouped,
    sized,
    spatial_labels,
    telling,
    word,
)
from homolog.rules import Rule
from homolog.rules.rule import Fields
from homolog.tensors import Shape
from homolog.transforms import Axes, Transform, groups

__all__ = ["ORDER", "Labels", "along", "labels_at", "layout"]


def layout(graph: Graph) -> Graph:
    """The graph with labels on its values and layouts that take flattened axes into account.

    Args:
        graph: with shapes, as far as they are known.
    """
    if not graph.wired:
        return graph
    wanted = _wanted(graph)
    found: dict[Value, Labels | None] = {}
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        value = Value(node.name)
        incoming = [found.get(before) for before in node.inputs]
        rule = rules.for_kind(node.kind)
        labels = None if rule is None else _outgoing(node, rule, incoming, wanted.get(value))
        if rule is None and _keeps_shape(node, graph):
            labels = incoming[0]
        found[value] = labels = labels or _fitting(wanted.get(value), _shape(node))
        if rule is not None and node.inputs:
            node = replace(  # noqa: PLW2901
                node,
                fields=_named_axis(node.fields, rule, incoming[0]),
                weights={
                    slot: _ordered(node, rule, slot, weight, incoming[0], labels)
                    for slot, weight in node.weights.items()
                },
            )
        nodes[node.name] = replace(node, labels=(labels,))
    return graph.with_nodes(nodes)


def _shape(node: Node, index: int = 0) -> OpenShape:
    return node.shapes[index] if index < len(node.shapes) else ()


def _keeps_shape(node: Node, graph: Graph) -> bool:
    """Whether an operation that no rule knows gives one value of the shape of the one it reads: then it is taken to
    leave the axes where they are, as a cast or a rescaling does."""
    if len(node.inputs) != 1 or len(node.shapes) != 1 or not node.shapes[0]:
        return False
    (value,) = node.inputs
    return _shape(graph.nodes[value.node], value.index) == node.shapes[0]


def _fitting(labels: Labels | None, shape: OpenShape) -> Labels | None:
    """Labels for a value of this shape, None if they are another number."""
    if labels is None or (shape and len(shape) != len(labels)):
        return None
    return sized(labels, shape)


def _rank(node: Node, rule: Rule, shape: OpenShape) -> int:
    """How many spatial axes a spatial node has, 0 if that cannot be told."""
    pads = node.fields.get("padding")
    return rule.layout.rank or max(len(shape) - 2, 0) or (len(pads) if isinstance(pads, tuple) else 0)


def _is_last(node: Node) -> bool:
    return node.fields.get("data_format") == "channels_last"


def _wanted(graph: Graph) -> dict[Value, Labels]:
    """What the layers behind a value take its axes for, walking backwards from the layers that know."""
    wanted: dict[Value, Labels] = {}
    for node in reversed(list(graph.nodes.values())):
        rule = rules.for_kind(node.kind)
        behind = wanted.get(Value(node.name))
        if rule is None and behind is not None and _keeps_shape(node, graph):
            wanted.setdefault(node.inputs[0], behind)
        if rule is None or not node.inputs:
            continue
        if rule.layout.way == "spatial":
            shape = _shape(graph.nodes[node.inputs[0].node], node.inputs[0].index)
            rank = _rank(node, rule, shape)
            if rank in (1, 2, 3):
                wanted[node.inputs[0]] = spatial_labels(rank, _is_last(node), shape)
            continue
        for value in node.inputs:
            shape = _shape(graph.nodes[value.node], value.index)
            labels = _taken_for(node, rule, behind, shape)
            if labels is not None:
                wanted.setdefault(value, labels)
    return wanted


def _taken_for(node: Node, rule: Rule, behind: Labels | None, shape: OpenShape) -> Labels | None:
    """What a node that is not spatial takes an input of this shape for, given what its output is taken for."""
    way = rule.layout.way
    if way == "channelwise" and behind is None:
        axes = cast(Shape | None, node.fields.get("axis"))
        return channels_at(axes[0], shape) if axes and len(axes) == 1 and axes[0] > 0 else None
    if behind is None:
        return None
    if way in ("channelwise", "elementwise", "concat"):
        return _fitting(behind, shape)
    if way == "permute" and node.fields["dims"] is not None:
        return inverse_permuted(behind, cast(Shape, node.fields["dims"]))
    if way in ("flatten", "reshape") and shape and not node.fields.get("moved"):
        return regrouped(behind, shape)
    return None


def _outgoing(node: Node, rule: Rule, incoming: list[Labels | None], wanted: Labels | None) -> Labels | None:
    """Labels of the node's output, None where they cannot be told."""
    shape, way = _shape(node), rule.layout.way
    if way == "spatial":
        if node.fields.get("keepdims") is False:  # pooled over everything
            return sized(((("n", None),), (("c", None),)), shape)
        rank = _rank(node, rule, shape)
        return spatial_labels(rank, _is_last(node), shape) if rank in (1, 2, 3) else None
    labels = max((entry for entry in incoming if entry), key=len, default=None)
    if labels is None:
        return None
    if way in ("elementwise", "channelwise"):
        return sized(labels, shape)
    if way == "concat":
        axis = cast(int, node.fields["dim"])
        mixed = any(entry is not None and len(telling(entry[axis])) > 1 for entry in incoming)
        return (*labels[:axis], (MIXED,), *labels[axis + 1 :]) if mixed else sized(labels, shape)
    if way == "features":
        apart = wanted is not None and len(wanted) == len(labels) and len(telling(wanted[-1])) > 1
        last: Label = wanted[-1] if wanted is not None and apart else (("c", shape[-1] if shape else None),)
        return (*labels[:-1], last)
    if way == "permute":
        return permuted(labels, cast(Shape, node.fields["dims"])) if node.fields["dims"] is not None else None
    if way == "flatten":
        if node.fields["moved"]:
            labels = (labels[0], *labels[2:], labels[1])
        start, end = (cast(int, node.fields[name]) % len(labels) for name in ("start_dim", "end_dim"))
        return (*labels[:start], merged(labels[start : end + 1]), *labels[end + 1 :])
    return regrouped(labels, shape) if way == "reshape" else None


def _named_axis(fields: Mapping[str, object], rule: Rule, labels: Labels | None) -> Fields:
    """The fields, and as ``over`` what the axis runs along, for its number differs between the frameworks."""
    if rule.axis is None:
        return dict(fields)
    axis = fields[rule.axis]
    axes = axis if isinstance(axis, tuple) else () if axis is None else (axis,)
    if labels is None:
        return {**fields, "over": axes}
    return {**fields, "over": tuple(sorted(word(labels[cast(int, number)]) for number in axes))}


def _ordered(
    node: Node, rule: Rule, slot: str, weight: Weight, incoming: Labels | None, outgoing: Labels | None
) -> Weight:
    """The weight with the order of flattened axes written into its layout."""
    declared = rule.slot(slot)
    own = declared.axes.pattern.split(" -> ")[0] if isinstance(declared.axes, Axes) else ""
    if declared.features is not None and incoming is not None:
        axes = (len(incoming) - 1,) if rule.axis is None else cast(Shape, node.fields[rule.axis] or ())
        if len(axes) == 1:
            weight = along(node.name, weight, declared.features, incoming[axes[0]], own)
        elif axes and len(weight.shape) == len(axes):
            weight = _axis_by_axis(node, weight, [incoming[axis] for axis in axes])
    if declared.produces is not None and outgoing is not None:
        weight = along(node.name, weight, declared.produces, outgoing[-1], own)
    return weight


def _axis_by_axis(node: Node, weight: Weight, labels: list[Label]) -> Weight:
    """A weight with one number for each place of several axes, channels first."""
    stored = [word(label) for label in labels]
    if any(" " in name for name in stored):
        raise _lost(node.name, merged(labels))
    ordered = sorted(stored, key=lambda name: ORDER.get(name, len(ORDER)))
    if stored == ordered or len(set(stored)) < len(stored):
        return weight
    return replace(weight, layout=(*weight.layout, Axes(f"{' '.join(stored)} -> {' '.join(ordered)}")))


def along(name: str, weight: Weight, axis: str, label: Label, own: str = "") -> Weight:
    """The weight with ``axis``, which runs along the features that ``label`` describes, put channels first.

    Args:
        name: of the layer, for the error.
        weight: with or without a layout.
        axis: name of the axis in the layout.
        label: what it runs along, as it is stored.
        own: all axes of the weight in the rule's layout, ``axis`` alone if left out.

    Raises:
        Unsupported: the lengths, or the order, of the features are not known.
    """
    stored, ordered = telling(label), canonical(label)
    if MIXED in label:
        raise _lost(name, label)
    if stored == ordered:
        return weight
    if any(length is None for _, length in stored):
        raise _lost(name, stored)
    sizes = {part: cast(int, length) for part, length in stored}
    left, right = (f"({' '.join(part for part, _ in parts)})" for parts in (stored, ordered))
    written: tuple[Transform, ...] = weight.layout or (Axes(f"{own or axis} -> {own or axis}"),)
    first, *rest = written
    if not isinstance(first, Axes) or (axis,) not in groups(first.pattern.split(" -> ")[0]):
        raise _lost(name, label)
    return replace(weight, layout=(first.rename(axis, left, right, sizes), *rest))


def _lost(name: str, label: Label) -> Unsupported:
    return Unsupported(
        "the features of a layer behind a flatten cannot be put in order",
        where=name,
        expected="one map of known channels, height and width",
        found=", ".join(f"{part}={'?' if length is None else length}" for part, length in label),
        help="give the shape of the input with --input",
    )
