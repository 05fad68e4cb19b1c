"""Operators that take axes together and give several results, or put in order."""

from __future__ import annotations

from homolog.graph import Value
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.operators.functions import applied
from homolog.pytorch.emitting.registry import writes


def named(call: Call, expression: str, *names: str) -> str | list[str]:
    """The results of what gives several by name: one alone by its name, all by unpacking."""
    read = [call.is_read(index) for index in range(len(names))]
    if all(read):
        return expression
    place = read.index(True) if any(read) else 0
    return [call.let(f"{expression}.{names[place]}")] * len(names)


@writes("max", "min")
def extreme(call: Call) -> str | list[str]:
    """Over everything; along an axis, with where it stands; or of two values the larger or smaller."""
    name = call.step.operator
    if isinstance(call["other"], Value):
        return f"torch.{name}imum({call.operand(call['self'])}, {call.operand(call['other'])})"
    if call["dim"] is None:
        return f"{call.x()}.{name}()"
    if not call.is_read(1):
        keeps = ", keepdim=True" if call["keepdim"] else ""
        values = call.let(f"{call.x()}.a{name}(dim={call.axis('self', call['dim'])}{keeps})")
        return [values, values]
    return named(call, applied(call, name, method=True), "values", "indices")


@writes("aminmax")
def aminmax(call: Call) -> str | list[str]:
    """Both extremes."""
    return named(call, applied(call, "aminmax", method=True), "min", "max")


@writes("median", "cummax", "cummin", "kthvalue", "topk")
def placed(call: Call) -> str | list[str]:
    """What is found along an axis, and where it stands."""
    made = applied(call, call.step.operator, method=True)
    return made if len(call.step.shapes) == 1 else named(call, made, "values", "indices")


@writes("sort")
def sort(call: Call) -> str | list[str]:
    """The values in order, and where each stood."""
    return named(call, applied(call, "sort", method=True), "values", "indices")


@writes("_safe_softmax")
def safe_softmax(call: Call) -> str:
    """A softmax whose rows of nothing but minus infinity are zeros."""
    x, axis = call.x(), call.axis("self", call["dim"])
    nothing = call.let(f"({x} == float('-inf')).all(dim={axis}, keepdim=True)")
    return f"F.softmax({x}, dim={axis}).masked_fill({nothing}, 0.0)"
