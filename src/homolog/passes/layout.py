"""Labels the axes of every value, and puts weights that run along flattened axes into one order.

A flatten reads (channels, height, width) in PyTorch and (height, width, channels) in Keras, so the rows of a dense
kernel behind it stand in another order. The one order is channels first. Whatever holds a number for each flattened
feature is permuted: the dense kernel's rows, a batch norm's statistics, a PReLU's slopes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import Graph, Label, Node, OpenShape, Value, Weight
from homolog.rules import Rule
from homolog.rules.conv import SPATIAL
from homolog.transforms import Axes, Transform, groups

Labels = tuple[Label, ...]
ORDER = {name: place for place, name in enumerate(("n", "c", "d", "h", "w"))}


def layout(graph: Graph) -> Graph:
    """The graph with labels on its values and layouts that take flattened axes into account.

    Args:
        graph: with shapes, as far as they are known.
    """
    if not graph.wired:
        return graph
    entering = _entering(graph)
    found: dict[Value, Labels | None] = {}
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        incoming = [found.get(value) for value in node.inputs]
        labels = entering.get(node.name) if node.kind == "input" else _outgoing(node, incoming)
        found[Value(node.name)] = labels
        weights = _permuted(node, incoming[0]) if incoming and incoming[0] else node.weights
        nodes[node.name] = replace(node, labels=(labels,), weights=weights)
    return graph.with_nodes(nodes)


def labels_at(node: Node, index: int = 0) -> Labels | None:
    """The labels of one output of a node, None if unknown."""
    return node.labels[index] if index < len(node.labels) else None


def spatial_labels(rank: int, last: bool, shape: OpenShape = ()) -> Labels:
    """``n c h w`` or ``n h w c`` with the lengths of the shape."""
    names = ("n", *SPATIAL[rank].split(), "c") if last else ("n", "c", *SPATIAL[rank].split())
    lengths = shape if len(shape) == len(names) else (None,) * len(names)
    return tuple(((name, length),) for name, length in zip(names, lengths, strict=True))


def _entering(graph: Graph) -> dict[str, Labels]:
    """Labels of the inputs: what the first spatial layer behind each of them takes them for."""
    wanted: dict[Value, Labels] = {}
    for node in reversed(list(graph.nodes.values())):
        rule = rules.for_kind(node.kind)
        if rule is None or not node.inputs:
            continue
        if rule.layout.way == "spatial":
            last = node.fields.get("data_format") == "channels_last"
            wanted[node.inputs[0]] = spatial_labels(rule.layout.rank, last)
        elif rule.layout.way == "elementwise" and Value(node.name) in wanted:
            for value in node.inputs:
                wanted.setdefault(value, wanted[Value(node.name)])
    return {
        node.name: _sized(wanted[Value(node.name)], node.shapes[0] if node.shapes else ())
        for node in graph.inputs
        if Value(node.name) in wanted
    }


def _sized(labels: Labels, shape: OpenShape) -> Labels:
    if len(labels) != len(shape):
        return labels
    return tuple(
        ((label[0][0], length),) if len(label) == 1 else label for label, length in zip(labels, shape, strict=True)
    )


def _outgoing(node: Node, incoming: list[Labels | None]) -> Labels | None:
    """Labels of the node's output."""
    rule = rules.for_kind(node.kind)
    shape = node.shapes[0] if node.shapes else ()
    if rule is None:
        return None
    way = rule.layout.way
    if way == "spatial":
        last = node.fields.get("data_format") == "channels_last"
        if shape and len(shape) == 2:  # pooled over everything
            return ((("n", shape[0]),), (("c", shape[1]),))
        return spatial_labels(rule.layout.rank, last, shape)
    labels = max((entry for entry in incoming if entry), key=len, default=None)
    if labels is None:
        return None
    if way == "elementwise":
        return _sized(labels, shape)
    if way == "features":
        return (*labels[:-1], (("c", shape[-1] if shape else None),))
    if way == "flatten":
        start, end = (cast(int, node.fields[name]) % len(labels) for name in ("start_dim", "end_dim"))
        return (*labels[:start], _merged(labels[start : end + 1]), *labels[end + 1 :])
    if way == "reshape" and len(shape) == 2 and len(labels) > 2:
        return (labels[0], _merged(labels[1:]))
    if way == "permute":
        return tuple(labels[axis] for axis in cast(tuple[int, ...], node.fields["dims"]))
    return None


def _merged(labels: Labels) -> Label:
    return tuple(part for label in labels for part in label)


def _canonical(label: Label) -> Label:
    """Channels first; axes of length one do not matter and are left out."""
    return tuple(sorted(_telling(label), key=lambda part: ORDER.get(part[0], len(ORDER))))


def _telling(label: Label) -> Label:
    return tuple(part for part in label if part[1] != 1)


def _permuted(node: Node, labels: Labels) -> Mapping[str, Weight]:
    """The weights with the order of flattened axes written into their layouts."""
    rule = rules.for_kind(node.kind)
    if rule is None or not node.weights:
        return node.weights
    return {slot: _reordered(node, rule, slot, weight, labels) for slot, weight in node.weights.items()}


def _reordered(node: Node, rule: Rule, slot: str, weight: Weight, labels: Labels) -> Weight:
    axis = rule.slot(slot).features
    if axis is not None:
        return along(node.name, weight, axis, labels[-1])
    if rule.layout.way != "elementwise":
        return weight
    rank = len(weight.shape)
    if rank == 1 and len(_telling(labels[-1])) > 1:
        return along(node.name, weight, "f", labels[-1])
    if rank > 1 and rank <= len(labels):  # one number for each place of several axes
        stored = [part[0][0] for part in labels[-rank:]]
        wanted = sorted(stored, key=lambda name: ORDER.get(name, len(ORDER)))
        return replace(weight, layout=(*weight.layout, Axes(f"{' '.join(stored)} -> {' '.join(wanted)}")))
    return weight


def along(name: str, weight: Weight, axis: str, label: Label) -> Weight:
    """The weight with ``axis``, which runs along the features that ``label`` describes, put channels first."""
    stored, wanted = _telling(label), _canonical(label)
    if stored == wanted:
        return weight
    if any(length is None for _, length in stored):
        raise Unsupported(
            "the features of a layer behind a flatten cannot be put in order",
            where=name,
            expected="the height and width of the map that is flattened",
            found=", ".join(f"{part}={'?' if length is None else length}" for part, length in stored),
            help="give the shape of the input with --input",
        )
    sizes = {part: cast(int, length) for part, length in stored}
    left, right = (f"({' '.join(part for part, _ in label)})" for label in (stored, wanted))
    layout: tuple[Transform, ...] = weight.layout or (Axes(f"{axis} -> {axis}"),)
    changed: list[Transform] = []
    done = False
    for transform in layout:
        if isinstance(transform, Axes) and not done and (axis,) in groups(transform.pattern.split(" -> ")[0]):
            changed.append(transform.rename(axis, left, right, sizes))
            done = True
        else:
            changed.append(transform)
    return replace(weight, layout=tuple(changed))
