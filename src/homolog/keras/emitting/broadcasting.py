"""Operands of many axes: TensorFlow stretches axes of one to another operand's as long as the two alternate in no more
than five runs of axes (``tensorflow/core/util/bcast.h``, ``BinaryOp`` in ``cwise_ops_common.cc``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homolog.graph import OpenShape

MOST_RUNS = 5


Held = list[list[int | None]]


def repeats(shapes: Sequence[OpenShape], missing: Sequence[int]) -> list[dict[int, int]]:
    """How often numbers of each operand are to be repeated along which axes, for TensorFlow to stretch the rest.

    Args:
        shapes: of the operands, of one rank, with ones in front; None for an open length.
        missing: how many of these ones are no axes of each operand's own.
    """
    found: list[dict[int, int]] = [{} for _ in shapes]
    held: Held = [list(shape) for shape in shapes]
    while _runs(held) > MOST_RUNS:
        options = {
            (operand, axis, length): _stretched(held, operand, axis, length)
            for operand, axis, length in _stretchable(held)
            if axis >= missing[operand]
        }
        if not options:
            break
        best = min(options, key=lambda option: (_runs(options[option]), option[2]))
        operand, axis, length = best
        held = options[best]
        found[operand][axis] = length
    return found


def _stretchable(shapes: Held) -> Iterator[tuple[int, int, int]]:
    """Operands with an axis of one where another is longer, and how long."""
    for axis, lengths in enumerate(zip(*shapes, strict=True)):
        longest = next((length for length in lengths if length != 1), None)
        if longest is not None:
            yield from ((operand, axis, longest) for operand, length in enumerate(lengths) if length == 1)


def _stretched(shapes: Held, operand: int, axis: int, length: int) -> Held:
    made = [list(shape) for shape in shapes]
    made[operand][axis] = length
    return made


def _runs(shapes: Held) -> int:
    """Runs of axes along which the same operands have a length of one."""
    patterns = [tuple(length == 1 for length in lengths) for lengths in zip(*shapes, strict=True)]
    told = [pattern for pattern in patterns if not all(pattern)]
    return sum(one != other for one, other in zip(told, [None, *told], strict=False))
