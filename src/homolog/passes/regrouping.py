"""What a new shape does to the axes of a value: which of them are taken together, and which come of one."""

from __future__ import annotations

from math import prod
from typing import cast

from homolog.graph import OpenShape
from homolog.passes.axes import Order, without

Groups = list[tuple[list[int], list[int]]]
"""Of two shapes, which neighbouring axes of the one are which of the other."""


def is_flattened(shape: OpenShape, other: OpenShape) -> bool:
    """Whether the second shape is the first with all axes but the first in one."""
    lengths = shape[1:]
    known = [length for length in lengths if length is not None]
    return len(other) == 2 and shape[:1] == other[:1] and len(known) == len(lengths) and prod(known) == other[1]


def regrouping(shape: OpenShape, other: OpenShape) -> Groups | None:
    """The smallest groups of neighbouring axes of two shapes of one size with the same lengths' product.

    An open length is taken for a prime that occurs nowhere else, and is one with another open length alone; several
    are told apart only where all of them become one axis. None if the two cannot be told apart so.
    """
    ahead = 0
    while ahead < min(len(shape), len(other) - 1) and shape[ahead] == other[ahead]:
        ahead += 1
    if other[ahead:] == (None,) and shape[ahead:].count(None) > 1:  # several open lengths, all taken together
        return [*(([axis], [axis]) for axis in range(ahead)), (list(range(ahead, len(shape))), [ahead])]
    mark = 1_000_003
    one, two = ([mark if length is None else length for length in item] for item in (shape, other))
    if prod(one) != prod(two) or one.count(mark) > 1 or two.count(mark) > 1:
        return None
    groups: Groups = []
    i = j = 0
    while i < len(one) or j < len(two):
        ours, theirs = [i] if i < len(one) else [], [j] if j < len(two) else []
        i, j = i + len(ours), j + len(theirs)
        while prod(one[axis] for axis in ours) != prod(two[axis] for axis in theirs):
            if prod(one[axis] for axis in ours) < prod(two[axis] for axis in theirs):
                if i >= len(one):
                    return None
                ours.append(i)
                i += 1
            else:
                if j >= len(two):
                    return None
                theirs.append(j)
                j += 1
        if not ours and groups:  # trailing ones belong to the group in front
            groups[-1][1].extend(theirs)
        elif not theirs and groups:
            groups[-1][0].extend(ours)
        else:
            groups.append((ours, theirs))
    return groups


def regrouping_of_rows(shape: OpenShape, other: OpenShape) -> Groups | None:
    """The same, where the batch may also be one with the axes behind it, or be taken apart: what is behind these has
    the same lengths in both shapes then."""
    known = regrouping(shape, other)
    if known is not None:
        return known
    behind = 0
    while behind < min(len(shape), len(other)) - 1 and shape[-1 - behind] == other[-1 - behind] is not None:
        behind += 1
    ours, theirs = len(shape) - behind, len(other) - behind
    if shape[0] is not None or other[0] is not None or min(ours, theirs) != 1:
        return None
    same = [([ours + place], [theirs + place]) for place in range(behind)]
    return [(list(range(ours)), list(range(theirs))), *same]


def regrouped(order: Order, groups: Groups | None) -> Order | None:
    """The order of a value that is given another shape as it lies in one, if it has an order then: axes that are taken
    together, or come of one that is taken apart, lie side by side in their own order."""
    if groups is None:
        return None
    places = []
    for ours, theirs in groups:
        at = [order.index(axis) for axis in ours]
        if at and at != list(range(at[0], at[0] + len(at))):
            return None
        places.append((at[0] if at else -1, theirs))
    if any(at < 0 for at, _ in places):
        return None
    return tuple(axis for _, theirs in sorted(places) for axis in theirs)


def is_view(shape: OpenShape, order: Order, other: OpenShape, wanted: Order) -> bool:
    """Whether a value that lies in an order can be read as one of another shape in an order of its own, with every
    number where it is: axes of one may lie anywhere."""
    ones, others = ([axis for axis, length in enumerate(lengths) if length == 1] for lengths in (shape, other))
    long, longer = (tuple(length for length in lengths if length != 1) for lengths in (shape, other))
    return regrouped(without(order, ones), regrouping_of_rows(long, longer)) == without(wanted, others)


def only_ones_differ(shape: OpenShape, other: OpenShape) -> bool:
    """Whether two shapes are the same but for axes of one."""
    return [length for length in shape if length != 1] == [length for length in other if length != 1]


def ungrouped(wanted: Order, groups: Groups | None) -> Order | None:
    """The order of a value from which another shape has a wanted one; None if none is known."""
    if groups is None or any(not theirs for _, theirs in groups):
        return None
    return tuple(axis for ours, _ in sorted(groups, key=lambda pair: wanted.index(pair[1][0])) for axis in ours)


def stands_beside(shape: OpenShape, wanted: Order) -> bool:
    """Whether a value in the source's order, of fewer axes than one that it broadcasts to, comes to stand beside it in
    an order by new axes of one alone."""
    lacking = len(wanted) - len(shape)
    own = [cast(int, axis) - lacking for axis in wanted if cast(int, axis) >= lacking]
    lying = [axis for axis in own if shape[axis] != 1]
    return lying == sorted(lying)
