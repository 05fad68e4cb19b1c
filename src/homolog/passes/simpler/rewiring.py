"""Other steps in place of some of a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from homolog.graph import Value
from homolog.trace import INPUT, Step, Trace, replaced

SAME = {"contiguous", "clone", "alias", "lift_fresh_copy"}


def rewired(
    trace: Trace,
    same: Mapping[Value, Value] | None = None,
    steps: Mapping[str, Step] | None = None,
    before: Mapping[str, tuple[Step, ...]] | None = None,
) -> Trace:
    """A trace with some values read in place of others, and some steps replaced; without what nobody reads then.

    Args:
        trace: is left as it was.
        same: for values that are no longer read those that are read instead; they are computed earlier.
        steps: by the names of the steps that they replace.
        before: new steps, by the name of the step that they come before.
    """
    same = same or {}

    def other(value: Value) -> Value:
        while value in same:
            value = same[value]
        return value

    changed: dict[str, Step] = {}
    for name, old in trace.steps.items():
        for step in (*(before or {}).get(name, ()), (steps or {}).get(name, old)):
            changed[step.name] = replace(step, arguments=_replaced(step.arguments, other))
    outputs = {name: other(value) for name, value in trace.outputs.items()}
    return replace(trace, steps=_read(changed, outputs), outputs=outputs)


def _replaced(arguments: Mapping[str, object], other: Callable[[Value], Value]) -> dict[str, object]:
    return {key: replaced(argument, other) for key, argument in arguments.items()}


def _read(steps: Mapping[str, Step], outputs: Mapping[str, Value]) -> dict[str, Step]:
    wanted = {value.node for value in outputs.values()}
    for step in reversed(list(steps.values())):
        if step.name in wanted or step.operator == INPUT:
            wanted.update(value.node for value in step.values())
    return {name: step for name, step in steps.items() if name in wanted or step.operator == INPUT}


def source(trace: Trace, value: Value) -> tuple[Value, Step]:
    """Where a value comes from, through steps that give what they read."""
    step = trace.steps[value.node]
    while is_same(trace, step):
        value = cast(Value, step.arguments["self"])
        step = trace.steps[value.node]
    return value, step


def is_same(trace: Trace, step: Step) -> bool:
    """Whether a step gives what it reads."""
    if step.operator in SAME:
        return True
    given = step.arguments.get("self")
    if not isinstance(given, Value) or trace.shape(given) != step.shape:
        return False
    if step.operator in ("to", "_to_copy", "type_as"):
        return trace.dtype(given) == step.dtypes[0]
    return step.operator == "slice" and step.arguments["step"] == 1 and not step.arguments["start"]
