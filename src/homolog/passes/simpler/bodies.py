"""Modules that hold no others and yet compute in several steps: a norm or an activation of the user's own.

They are written as modules that hold others are: one function, or class, for all that are alike.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from homolog.trace import CONSTANT, PARAMETER, Called, Step, Trace

SEVERAL = 3
"""Steps, from which on a call of a function is easier to read than its lines."""


def cells(trace: Trace) -> Trace:
    """The same for those alone that are called time and again, as the cell of a recurrent layer is for each step: so
    the layer is a loop over one module."""
    again = {called.path for step in trace.steps.values() for called in step.calls if called.count}
    units = {step.layer.layer for step in trace.steps.values() if step.layer is not None}
    return _entered(trace, _found(trace) & again - units)


def bodies(trace: Trace) -> Trace:
    """The trace with such modules taken for ones that are made of others."""
    return _entered(trace, _found(trace))


def _found(trace: Trace) -> set[str]:
    computing = (step for step in trace.steps.values() if step.operator not in (PARAMETER, CONSTANT))
    counts = Counter(step.calls[-1] for step in computing if step.calls)
    return {called.path for called, count in counts.items() if count >= SEVERAL and not called.inner}


def _entered(trace: Trace, found: set[str]) -> Trace:
    if not found:
        return trace
    return replace(trace, steps={name: _inside(step, found) for name, step in trace.steps.items()})


def _inside(step: Step, found: set[str]) -> Step:
    if not any(called.path in found for called in step.calls):
        return step
    return replace(step, calls=tuple(_inner(called) if called.path in found else called for called in step.calls))


def _inner(called: Called) -> Called:
    return replace(called, inner=True)
