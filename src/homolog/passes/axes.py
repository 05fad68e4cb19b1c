"""In which order the axes of a value lie in memory: what such an order is, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal, cast

from homolog.graph import OpenShape
from homolog.transforms import Axes

Target = Literal["keras", "pytorch"]
"""The framework that a trace is written for; the trace comes from the other."""

Order = tuple[int | tuple[int, ...], ...]
"""For each place in memory the axis that lies there. In place of the second of two axes there may be the lengths of a
map, as the source has its axes, that was flattened into it as it lies for the target."""

HEADS_LAST: Order = (0, 2, 1, 3)
"""The heads of an attention behind the places of its sequence."""

TIME_SECOND: Order = (1, 0, 2)
"""A sequence that is time first for the source, and lies with its batch in front."""


def natural(rank: int) -> tuple[int, ...]:
    """The source's own order."""
    return tuple(range(rank))


def channels_last(rank: int) -> tuple[int, ...]:
    """The second axis behind all others."""
    return (0, *range(2, rank), 1) if rank > 2 else natural(rank)


def channels_first(rank: int) -> tuple[int, ...]:
    """The last axis in front of all others but the first."""
    return (0, rank - 1, *range(1, rank - 1)) if rank > 2 else natural(rank)


def as_map(rank: int, target: Target) -> tuple[int, ...]:
    """The order in which a target has a map whose channels are where the source's framework has them."""
    return channels_last(rank) if target == "keras" else channels_first(rank)


def is_axes(order: Order) -> bool:
    """Whether an order says of axes alone where they lie."""
    return all(isinstance(axis, int) for axis in order)


def is_flat(order: Order) -> bool:
    """Whether a map lies in it that was flattened as it lies for the target."""
    return any(isinstance(axis, tuple) for axis in order)


def laid(shape: OpenShape, order: Order) -> OpenShape:
    """A shape as it lies in an order."""
    return tuple(shape[cast(int, axis)] for axis in order) if is_axes(order) else shape


def without(order: Order, axes: Sequence[int]) -> Order:
    """An order once some axes are gone, with the others numbered anew."""
    left = [cast(int, axis) for axis in order if axis not in axes]
    names = sorted(left)
    return tuple(names.index(axis) for axis in left)


def with_axis(order: Order, axis: int) -> Order:
    """An order with a new axis, and the others numbered anew; it lies behind the one that it stands behind."""
    moved = [cast(int, old) + (cast(int, old) >= axis) for old in order]
    place = moved.index(axis - 1) + 1 if axis else 0
    return (*moved[:place], axis, *moved[place:])


def permuted(order: Order, dims: Sequence[int]) -> Order:
    """The order of a value whose axes are called otherwise: its axis ``n`` was ``dims[n]``."""
    back = {axis: place for place, axis in enumerate(dims)}
    return tuple(back[cast(int, axis)] for axis in order)


def flattened(shape: OpenShape, target: Target) -> Order | None:
    """The order of a map that is flattened as it lies for a target; where every place of it has one number alone, or
    there is but one place, there is but one order. None if a length is open."""
    if any(length is None for length in shape[1:]):
        return None
    lengths = cast(tuple[int, ...], shape[1:])
    (channels,) = lengths[:1] if target == "keras" else lengths[-1:]
    return natural(2) if channels in (1, prod(lengths)) else (0, lengths)


def turned_rows(order: Order, target: Target) -> Axes:
    """The way from a matrix ``out inp`` that reads a flattened map in the source's order to one that reads it in an
    order as ``flattened`` gives it."""
    lengths = cast(tuple[int, ...], order[1])
    names = [f"s{place}" for place in range(len(lengths))]
    lying = [names[axis - 1] for axis in as_map(len(lengths) + 1, target)[1:]]
    sizes = tuple(sorted(zip(names, lengths, strict=True)))
    return Axes(f"out ({' '.join(names)}) -> out ({' '.join(lying)})", sizes)
