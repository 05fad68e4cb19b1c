"""Dense layers that one side keeps packed in one: the rows of the one are the rows of the others, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from homolog.errors import Mismatch
from homolog.graph import Node, Weight
from homolog.matching.rows import Piece, pieces, taken_apart
from homolog.transforms import Chain, Part, Transform, lossless

EVIDENCE = "graph, packed"


def shared(left: Sequence[Node], right: Sequence[Node]) -> Iterator[Piece]:
    """What several layers of the source put into several of the target, in the order of their rows.

    Raises:
        Mismatch: the parts of one side begin or end where those of the other do not.
    """
    ours, theirs = _bounds(left), _bounds(right)
    cuts = sorted({*ours, *theirs})
    for start, stop in pairwise(cuts):
        one, two = _at(left, ours, start, stop), _at(right, theirs, start, stop)
        yield from pieces(one, two, EVIDENCE)


def _bounds(layers: Sequence[Node]) -> list[int]:
    return list(accumulate((node.weights["weight"].shape[0] for node in layers), initial=0))


def _at(layers: Sequence[Node], bounds: Sequence[int], start: int, stop: int) -> Node:
    """The rows from ``start`` to ``stop`` of the layers one behind the other, as a layer."""
    place = next(index for index, bound in enumerate(bounds[1:]) if bound > start)
    node, first, last = layers[place], bounds[place], bounds[place + 1]
    if stop > last:
        raise Mismatch("packed layers are cut in other places on either side", where=node.name)
    if (first, last) == (start, stop):
        return node
    return replace(
        node, weights={slot: _rows(node, weight, start - first, stop - first) for slot, weight in node.weights.items()}
    )


def _rows(node: Node, weight: Weight, start: int, stop: int) -> Weight:
    """Some rows of a weight: a part of the stored tensor, wherever its layout keeps the rows."""
    part, rest = taken_apart(weight.layout)
    if len(weight.tensors) != 1 or not lossless(rest):
        raise Mismatch("a packed layer is itself made of parts", where=node.name)
    shape = weight.tensors[0].shape
    if part is not None:
        (shape,) = part.shapes([shape])
    axis = _stored_axis(rest, shape)
    if part is not None and part.axis != axis:
        raise Mismatch("a packed layer is itself made of parts", where=node.name)
    begin = 0 if part is None else part.start
    return replace(weight, layout=(Part(axis, begin + start, begin + stop), *rest))


def _stored_axis(layout: Chain, shape: tuple[int, ...]) -> int:
    """The axis of the stored tensor that the rows of the layout run along."""
    for axis in range(len(shape)):
        tried = [1 if other == axis else length for other, length in enumerate(shape)]
        rows: tuple[int, ...] = tuple(tried)
        try:
            for transform in layout:
                (rows,) = _shape_after(transform, rows)
        except Mismatch:
            continue
        if rows[0] == 1 and shape[axis] != 1:
            return axis
    raise Mismatch("the rows of a packed layer do not run along one axis", found=str(shape))


def _shape_after(transform: Transform, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return transform.shapes([shape])
