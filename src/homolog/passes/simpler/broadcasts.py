"""Repetitions along axes of one for an arithmetic that repeats by itself: they are left to it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import cast

from homolog.graph import OpenShape, Value
from homolog.passes.simpler.rewiring import rewired
from homolog.trace import Step, Trace

EXPANDS = {"expand", "expand_as", "broadcast_to"}
BROADCASTING = {
    *("add", "sub", "mul", "div", "pow", "maximum", "minimum", "where", "logical_and", "logical_or", "logical_xor"),
    *("eq", "ne", "lt", "le", "gt", "ge"),
}
"""Operators that repeat any of their operands along axes of one, as far as the others go."""


def broadcasts(trace: Trace) -> Trace:
    """The trace with what is repeated read in place of the repetition, where every reader gives the same shape then."""
    readers, ends = trace.readers(), set(trace.outputs.values())
    same: dict[Value, Value] = {}

    def left_to(step: Step) -> bool:
        """Whether a reader repeats by itself, with all that is known to be left to it."""
        shapes = [trace.shape(same.get(value, value)) for value in step.values()]
        return step.operator in BROADCASTING and _broadcast(shapes) == step.shape

    for step in trace.steps.values():
        value = Value(step.name)
        if step.operator not in EXPANDS or value in ends:
            continue
        narrow = cast(Value, step.arguments["self"])
        if len(trace.shape(narrow)) != len(step.shape):
            continue
        same[value] = same.get(narrow, narrow)
        if not all(map(left_to, readers.get(value, ()))):
            del same[value]
    return rewired(trace, same) if same else trace


def _broadcast(shapes: Iterable[OpenShape]) -> OpenShape | None:
    """The shape that operands of several are repeated to; None where it cannot be told."""
    found: list[int | None] = []
    for lengths in zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1):
        longer = {length for length in lengths if length != 1}
        if len(longer) > 1:
            return None
        found.append(longer.pop() if longer else 1)
    return tuple(reversed(found))
