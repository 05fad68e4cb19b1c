"""Norms by the root of the mean square that are said step by step are layers."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from homolog.graph import Node, Value, Weight
from homolog.passes.simpler.rewiring import rewired, source
from homolog.trace import PARAMETER, Step, Trace


def norms(trace: Trace) -> Trace:
    """The trace with ``rms_norm`` for ``weight * (x * rsqrt(mean(x**2) + eps))``."""
    changed: dict[str, Step] = {}
    for step in trace.steps.values():
        found = _norm(trace, step) if step.operator == "mul" and step.layer is None else None
        if found is not None:
            changed[step.name] = found
    return rewired(trace, steps=changed) if changed else trace


def _norm(trace: Trace, step: Step) -> Step | None:
    for weight, scaled in _ways(step):
        parameter = trace.steps[weight.node]
        found = _scaled(trace, scaled) if parameter.operator == PARAMETER else None
        if found is None or parameter.tensor is None or parameter.tensor.trainable is False:
            continue
        value, eps = found
        if trace.shape(value) != step.shape or parameter.shape != step.shape[-1:]:
            continue
        path = parameter.tensor.name.removesuffix(".weight")
        own = any(call.path == path for call in step.calls)
        held = {"weight": Weight((parameter.tensor,))}
        node = Node(
            path, "rms_norm", {"eps": eps, "axis": (-1,)}, held, shapes=step.shapes, layer=path if own else None
        )
        arguments = {"input": value, "normalized_shape": list(parameter.shape), "eps": eps}
        return replace(step, operator="rms_norm", overload="", arguments=arguments, layer=node)
    return None


def _ways(step: Step) -> list[tuple[Value, Value]]:
    """The two factors of a product, either first."""
    one, two = step.arguments["self"], step.arguments["other"]
    return [(one, two), (two, one)] if isinstance(one, Value) and isinstance(two, Value) else []


def _scaled(trace: Trace, value: Value) -> tuple[Value, float] | None:
    """Of ``x * rsqrt(mean(x**2) + eps)`` what ``x`` is, and ``eps``."""
    _, product = source(trace, value)
    if product.operator != "mul":
        return None
    for given, root in _ways(product):
        _, step = source(trace, root)
        if step.operator != "rsqrt":
            continue
        _, total = source(trace, cast(Value, step.arguments["self"]))
        eps = total.arguments.get("other")
        if total.operator != "add" or not isinstance(eps, float) or total.arguments["alpha"] != 1:
            continue
        _, mean = source(trace, cast(Value, total.arguments["self"]))
        if mean.operator == "mean" and _is_last(mean, trace) and _is_square(trace, mean, source(trace, given)[0]):
            return given, eps
    return None


def _is_last(mean: Step, trace: Trace) -> bool:
    """Whether a mean is over the last axis, which stays."""
    rank = len(trace.shape(cast(Value, mean.arguments["self"])))
    return mean.arguments.get("keepdim") is True and mean.arguments.get("dim") in ([-1], [rank - 1])


def _is_square(trace: Trace, mean: Step, given: Value) -> bool:
    """Whether the mean is of the square of a value."""
    _, step = source(trace, cast(Value, mean.arguments["self"]))
    arguments = step.arguments
    if step.operator == "pow" and arguments["exponent"] != 2:
        return False
    factors = {"pow": ("self",), "square": ("self",), "mul": ("self", "other")}.get(step.operator, ())
    values = [arguments[name] for name in factors]
    return bool(values) and all(isinstance(item, Value) and source(trace, item)[0] == given for item in values)
