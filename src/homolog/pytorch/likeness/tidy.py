"""Takes out of a trace what Keras's torch backend does to be sure: casts to the type that a value has."""

from __future__ import annotations

from dataclasses import replace

from homolog.graph import Value
from homolog.trace import Step, Trace, replaced

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
