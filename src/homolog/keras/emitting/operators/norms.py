"""Operators that measure: lengths of vectors, distances, differences."""

from __future__ import annotations

from typing import cast

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.reduction import reduced
from homolog.keras.emitting.operators.roots import rooted
from homolog.keras.emitting.operators.types import floated
from homolog.keras.emitting.registry import writes

INFINITY = float("inf")
EUCLIDEAN = 2


@writes("linalg_vector_norm", "norm")
def vector_norm(call: Call) -> str:
    """The length of vectors along some axes, by any power."""
    order = call["ord"] if call.step.operator == "linalg_vector_norm" else call["p"]
    x = floated(call, call["self"], call.x())
    return length(call, x, EUCLIDEAN if order is None else order, reduced(call, call["dim"]))


def length(call: Call, x: str, order: object, behind: str) -> str:
    """The length of what lies along the axes that are reduced."""
    if not isinstance(order, int | float):
        raise call.refusal(f"a norm of order {order!r}")
    if order == EUCLIDEAN:
        return rooted(f"ops.sum(ops.square({x}){behind})")
    if order == 1:
        return f"ops.sum(ops.abs({x}){behind})"
    if order == INFINITY:
        return f"ops.max(ops.abs({x}){behind})"
    if order == -INFINITY:
        return f"ops.min(ops.abs({x}){behind})"
    if order == 0:
        return f"ops.sum(ops.cast(ops.not_equal({x}, 0), {call.out_dtype!r}){behind})"
    return f"ops.sum(ops.abs({x}) ** {order!r}{behind}) ** (1 / {order!r})"


@writes("cdist", "_cdist_forward")
def distances(call: Call) -> str:
    """Of every vector of one list from every one of another."""
    one, two = (call.let(f"ops.expand_dims({call.x(name)}, {axis})") for name, axis in (("x1", -2), ("x2", -3)))
    return length(call, call.let(f"{one} - {two}"), call["p"], ", axis=-1")


@writes("diff")
def difference(call: Call) -> str:
    """Between neighbours along an axis, so many times."""
    for name in ("prepend", "append"):
        if isinstance(call[name], Value):
            raise call.refusal(f"{name}: values at the end", "join them with torch.cat")
    times = cast(int, call["n"])
    return f"ops.diff({call.x()}{'' if times == 1 else f', n={times}'}, axis={call.axis('self', call['dim'])})"
