"""What the axes of a value run along: labels, and how they go through the kinds that move axes about."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from homolog.graph import Label, Node, OpenShape, Part
from homolog.rules.conv import SPATIAL

Labels = tuple[Label, ...]
ORDER = {name: place for place, name in enumerate(("n", "c", "d", "h", "w"))}
MIXED: Part = ("mixed", None)
"""Features of which the order is lost to us: several flattened maps joined."""


def spatial_labels(rank: int, last: bool, shape: OpenShape = ()) -> Labels:
    """``n c h w`` or ``n h w c`` with the lengths of the shape."""
    names = ("n", *SPATIAL[rank].split(), "c") if last else ("n", "c", *SPATIAL[rank].split())
    lengths = shape if len(shape) == len(names) else (None,) * len(names)
    return tuple(((name, length),) for name, length in zip(names, lengths, strict=True))


def channels_at(axis: int, shape: OpenShape) -> Labels | None:
    """The labels of a value of one to three spatial axes whose channels are that axis."""
    if len(shape) - 2 not in SPATIAL:
        return None
    names = ["n", *SPATIAL[len(shape) - 2].split()]
    names.insert(axis, "c")
    return tuple(((name, length),) for name, length in zip(names, shape, strict=True))


def labels_at(node: Node, index: int = 0) -> Labels | None:
    """The labels of one output of a node, None if unknown."""
    return node.labels[index] if index < len(node.labels) else None


def sized(labels: Labels, shape: OpenShape) -> Labels:
    """The labels with the lengths of the shape, where an axis runs along one thing alone."""
    if len(labels) != len(shape):
        return labels
    return tuple(
        ((label[0][0], length),) if len(label) == 1 else label for label, length in zip(labels, shape, strict=True)
    )


def merged(labels: Sequence[Label]) -> Label:
    """One axis that runs along all of them, the last one fastest."""
    return tuple(part for label in labels for part in label)


def canonical(label: Label) -> Label:
    """Channels first; axes of length one do not matter and are left out."""
    return tuple(sorted(telling(label), key=lambda part: ORDER.get(part[0], len(ORDER))))


def telling(label: Label) -> Label:
    """The parts that are longer than one."""
    return tuple(part for part in label if part[1] != 1)


def word(label: Label) -> str:
    """What an axis runs along, alike in both frameworks: ``c``, or ``c h w`` for a flattened map."""
    return " ".join(name for name, _ in canonical(label) or label)


def permuted(labels: Labels, dims: Sequence[int]) -> Labels:
    """The labels behind a permute."""
    return tuple(labels[axis] for axis in dims)


def inverse_permuted(labels: Labels, dims: Sequence[int]) -> Labels:
    """The labels in front of a permute."""
    return tuple(labels[tuple(dims).index(axis)] for axis in range(len(labels)))


def regrouped(labels: Labels, shape: OpenShape) -> Labels | None:
    """The labels of the same values in another shape, None where an axis is cut into parts that have no names.

    ``n c h w`` of lengths (c, h x w) becomes ``n c (h w)``.
    """
    parts = list(merged(labels[1:]))
    if len(shape) == 2:
        return (labels[0], tuple(parts))
    if not shape or None in shape[1:] or any(length is None for _, length in parts):
        return None
    found: list[Label] = []
    for length in cast(tuple[int, ...], shape[1:]):
        taken: list[Part] = []
        while parts and prod(cast(int, n) for _, n in taken) < length:
            taken.append(parts.pop(0))
        if prod(cast(int, n) for _, n in taken) != length:
            return None
        found.append(tuple(taken) or (("one", 1),))
    if any(length != 1 for _, length in parts):
        return None
    return (labels[0], *found)
