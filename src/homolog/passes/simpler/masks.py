"""Masks of attention without what does nothing: repetitions, for a mask broadcasts, and masks that hold everywhere."""

from __future__ import annotations

from dataclasses import replace

from homolog.graph import OpenShape, Value
from homolog.passes.simpler.rewiring import rewired, source
from homolog.trace import CONSTANT, Step, Trace

AND = {"__and__", "logical_and", "bitwise_and"}
REPEATS = {"expand", "expand_as", "broadcast_to"}


def masks(trace: Trace) -> Trace:
    """The trace with the simplest mask for each attention."""
    changed: dict[str, Step] = {}
    for step in trace.steps.values():
        mask = step.arguments.get("attn_mask")
        if step.operator == "scaled_dot_product_attention" and isinstance(mask, Value):
            simple = _simple(trace, mask)
            if simple != mask:
                changed[step.name] = replace(step, arguments={**step.arguments, "attn_mask": simple})
    return rewired(trace, steps=changed) if changed else trace


def _simple(trace: Trace, value: Value) -> Value:
    """The innermost value that broadcasts to the same mask."""
    value, step = source(trace, value)
    if step.operator in REPEATS:
        given = step.arguments["self"]
        if isinstance(given, Value) and trace.shape(given):
            return _simple(trace, given)
    if step.operator in AND and step.dtypes[0] == "bool":
        for one, two in (("self", "other"), ("other", "self")):
            mask, other = step.arguments[one], step.arguments[two]
            if not isinstance(mask, Value) or not isinstance(other, Value):
                continue
            if _is_true(trace, other) and _broadcasts(trace.shape(mask), step.shape):
                return _simple(trace, mask)
    return value


def _is_true(trace: Trace, value: Value) -> bool:
    step = trace.steps[value.node]
    return step.operator == CONSTANT and step.array is not None and bool(step.array.all())


def _broadcasts(shape: OpenShape, other: OpenShape) -> bool:
    """Whether a shape broadcasts to another, and has its open axes."""
    if len(shape) != len(other):
        return False
    return all(a in (b, 1) for a, b in zip(shape, other, strict=True))
