"""Heads that are repeated: a new axis, repeated and merged with the one in front of it, is one operator."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from homolog.graph import Value
from homolog.passes.simpler.rewiring import rewired, source
from homolog.trace import Step, Trace

RESHAPES = {"reshape", "view", "flatten", "_unsafe_view"}


def repeats(trace: Trace) -> Trace:
    """The trace with ``repeat_interleave`` for such three."""
    changed = {}
    for step in trace.steps.values():
        found = _repeated(trace, step) if step.operator in RESHAPES else None
        if found is not None:
            value, dim, times = found
            arguments = {"self": value, "repeats": times, "dim": dim, "output_size": None}
            changed[step.name] = replace(step, operator="repeat_interleave", overload="self_int", arguments=arguments)
    return rewired(trace, steps=changed) if changed else trace


def _repeated(trace: Trace, step: Step) -> tuple[Value, int, int] | None:
    """What is repeated along which axis how often."""
    _, wide = source(trace, cast(Value, step.arguments["self"]))
    if wide.operator != "expand":
        return None
    _, narrow = source(trace, cast(Value, wide.arguments["self"]))
    if narrow.operator != "unsqueeze" or len(narrow.shape) != len(wide.shape):
        return None
    given = cast(Value, narrow.arguments["self"])
    shape = trace.shape(given)
    axis = cast(int, narrow.arguments["dim"]) % len(narrow.shape)
    times = wide.shape[axis]
    if axis < 2 or times is None or wide.shape != (*shape[:axis], times, *shape[axis:]):
        return None
    length = shape[axis - 1]
    merged = (*shape[: axis - 1], None if length is None else length * times, *shape[axis:])
    return (given, axis - 1, times) if length is not None and merged == step.shape else None
