"""One constant for all that are the same numbers: many models compute their positions anew in every block."""

from __future__ import annotations

from homolog.graph import Value
from homolog.passes.simpler.rewiring import rewired
from homolog.trace import CONSTANT, Trace


def constants(trace: Trace) -> Trace:
    """The first of those that are equal is read in place of all."""
    first: dict[object, Value] = {}
    same: dict[Value, Value] = {}
    for step in trace.steps.values():
        if step.operator == CONSTANT and step.array is not None:
            key = (step.array.shape, str(step.array.dtype), step.array.tobytes())
            value = Value(step.name)
            known = first.setdefault(key, value)
            if known != value:
                same[value] = known
    return rewired(trace, same) if same else trace
