"""Takes out of a trace what Keras's torch backend does to be sure: needless casts, and numbers that it rounds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from homolog.graph import Value
from homolog.trace import CONSTANT, Step, Trace, replaced

SURE = {"to", "_to_copy", "contiguous", "alias", "detach", "lift_fresh_copy", "clone"}
"""Operators that give what they are given, where element type and shape stay."""


def tidied(trace: Trace) -> Trace:
    """The same network without steps that hand on what they are given."""
    same: dict[Value, Value] = {}
    steps: dict[str, Step] = {}
    for step in trace.steps.values():
        arguments = replaced(dict(step.arguments), lambda value: same.get(value, value))
        step = replace(step, arguments=arguments)  # type: ignore[arg-type]  # noqa: PLW2901
        source = next(step.values(), None)
        if step.operator in SURE and source is not None:
            given = steps[source.node]
            if (given.shapes[source.index], given.dtypes[source.index]) == (step.shape, step.dtypes[0]):
                same[Value(step.name)] = source
                continue
        steps[step.name] = step
    outputs = {name: same.get(value, value) for name, value in trace.outputs.items()}
    return replace(trace, steps=steps, outputs=outputs)


def unrounded(trace: Trace, numbers: Collection[float]) -> Trace:
    """The same network with the numbers that its source has in place of what float32 leaves of them.

    Args:
        trace: of the source.
        numbers: of the source.
    """
    known: dict[np.float32, set[float]] = {}
    for number in numbers:
        known.setdefault(np.float32(number), set()).add(number)
    steps = {}
    for name, step in trace.steps.items():
        array = step.array
        alone = step.operator == CONSTANT and array is not None and array.shape == () and array.dtype == np.float32
        found = known.get(np.float32(array), set()) if alone and array is not None else set()
        steps[name] = replace(step, array=np.array(min(found))) if len(found) == 1 else step
    return replace(trace, steps=steps)
