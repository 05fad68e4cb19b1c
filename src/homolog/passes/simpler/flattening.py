"""Means and maxima over a whole map that are flattened behind: they need not keep the axes that they take away."""

from __future__ import annotations

from dataclasses import replace

from homolog.graph import Value
from homolog.passes.simpler.rewiring import rewired
from homolog.trace import Step, Trace

POOLS = {f"adaptive_{way}_pool{rank}d" for way in ("avg", "max") for rank in (1, 2, 3)}
POOLS |= {"_adaptive_avg_pool2d", "_adaptive_avg_pool3d"}
FLATTENING = {"flatten", "view", "reshape", "_unsafe_view", "squeeze"}


def flattening(trace: Trace) -> Trace:
    """The trace with such poolings and what flattens them as one step: they give rows of channels."""
    readers, ends = trace.readers(), set(trace.outputs.values())
    steps: dict[str, Step] = {}
    same: dict[Value, Value] = {}
    for step in trace.steps.values():
        value = Value(step.name)
        behind = readers.get(value, [])
        if value in ends or not behind or not _is_global(trace, step):
            continue
        rows = step.shape[:2]
        if all(reader.operator in FLATTENING and reader.shape == rows for reader in behind):
            steps[step.name] = replace(step, shapes=(rows, *step.shapes[1:]))
            same |= {Value(reader.name): value for reader in behind}
    return rewired(trace, same, steps) if steps else trace


def _is_global(trace: Trace, step: Step) -> bool:
    """Whether it takes a whole map together, and not a map that is one place anyway."""
    if step.operator not in POOLS or any(length != 1 for length in step.shape[2:]):
        return False
    return any(length != 1 for length in trace.shape(next(step.values()))[2:])
