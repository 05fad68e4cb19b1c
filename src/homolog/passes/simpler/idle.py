"""Arithmetic that gives what it reads: plus zero, times one. Settings that are switched off leave it in a forward."""

from __future__ import annotations

from homolog.graph import Value
from homolog.passes.simpler.rewiring import rewired
from homolog.trace import CONSTANT, Step, Trace

NEUTRAL = {"add": 0, "sub": 0, "mul": 1, "div": 1}
"""The number that changes nothing as the second of two."""
EITHER = {"add", "mul"}
"""Where it does so as the first, too."""


def idle(trace: Trace) -> Trace:
    """The trace without it. What it read is read instead, which has the same shape and element type."""
    same: dict[Value, Value] = {}
    for step in trace.steps.values():
        kept = _kept(trace, step)
        if kept is not None:
            same[Value(step.name)] = kept
    return rewired(trace, same) if same else trace


def _kept(trace: Trace, step: Step) -> Value | None:
    """What a step gives as it read it; None for one that computes something."""
    number = NEUTRAL.get(step.operator)
    if number is None or step.arguments.get("rounding_mode"):
        return None
    pairs = [("self", "other"), ("other", "self")] if step.operator in EITHER else [("self", "other")]
    for one, two in pairs:
        kept = step.arguments[one]
        if not isinstance(kept, Value) or not _is(trace, step.arguments[two], number):
            continue
        if one == "other" and step.arguments.get("alpha", 1) != 1:
            continue
        given = trace.steps[kept.node]
        if (trace.shape(kept), trace.dtype(kept), given.static) == (step.shape, step.dtypes[0], step.static):
            return kept
    return None


def _is(trace: Trace, argument: object, number: int) -> bool:
    """Whether an operand is this number everywhere."""
    if isinstance(argument, Value):
        step = trace.steps[argument.node]
        return step.operator == CONSTANT and step.array is not None and bool((step.array == number).all())
    return isinstance(argument, bool | int | float) and argument == number
