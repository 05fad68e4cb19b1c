"""Operators that take axes together: sums, means, extremes, statistics."""

from __future__ import annotations

from math import prod
from typing import cast

from homolog.emitting.call import last_as_minus_one
from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.roots import rooted
from homolog.keras.emitting.operators.types import floated, is_float
from homolog.keras.emitting.registry import Writer, writes

FUNCTIONS = {
    "mean": "mean",
    "sum": "sum",
    "amax": "max",
    "amin": "min",
    "prod": "prod",
    "any": "any",
    "all": "all",
    "logsumexp": "logsumexp",
    "special_logsumexp": "logsumexp",
    "count_nonzero": "count_nonzero",
    "nansum": "nansum",
    "nanmean": "nanmean",
}


def reduced(call: Call, dims: object = None, *, name: str = "self") -> str:
    """The arguments behind the value: axes, and whether they stay."""
    axes = call.axes(name, dims)
    rank = call.rank(name)
    parts = [] if len(axes) == rank else [f"axis={short(axes, rank)!r}"]
    parts += ["keepdims=True"] if call["keepdim"] else []
    return "".join(f", {part}" for part in parts)


def short(axes: tuple[int, ...], rank: int) -> int | tuple[int, ...]:
    """One axis as a number, the last as -1."""
    return last_as_minus_one(axes[0], rank) if len(axes) == 1 else axes


def _reduction(function: str) -> Writer:
    def write(call: Call) -> str:
        x = call.x()
        if not call.rank("self"):
            raise call.refusal("a reduction of a single number")
        kind = call.dtype("self")
        if function in ("any", "all"):
            x = x if kind == "bool" else f"ops.cast({x}, 'bool')"
        elif function != "count_nonzero" and kind != call.out_dtype:
            x = floated(call, call["self"], x) if is_float(call.out_dtype) else f"ops.cast({x}, {call.out_dtype!r})"
        return f"ops.{function}({x}{reduced(call, call['dim'])})"

    return write


for _name, _function in FUNCTIONS.items():
    writes(_name)(_reduction(_function))


@writes("max", "min")
def extreme(call: Call) -> str | list[str]:
    """Over everything; along an axis, with where it stands; or of two values the larger or smaller."""
    name = call.step.operator
    if isinstance(call["other"], Value):
        return f"ops.{name}imum({call.operand(call['self'])}, {call.operand(call['other'])})"
    if call["dim"] is None:
        return f"ops.{name}({call.x()})"
    behind = reduced_along(call)
    return call.those_read(f"ops.{name}({call.x()}{behind})", f"ops.arg{name}({call.x()}{behind})")


def reduced_along(call: Call) -> str:
    """The same for what takes one axis alone."""
    axis = f", axis={call.axis('self', call['dim'])}"
    return f"{axis}, keepdims=True" if call["keepdim"] else axis


@writes("aminmax")
def aminmax(call: Call) -> list[str]:
    """Both extremes."""
    behind = reduced(call, call["dim"])
    return call.those_read(f"ops.min({call.x()}{behind})", f"ops.max({call.x()}{behind})")


@writes("argmax", "argmin")
def where_extreme(call: Call) -> str:
    """Where the extreme stands along an axis, or in the whole flattened tensor."""
    name = call.step.operator
    if call["dim"] is None:
        if call.shape("self")[:1] == (None,):
            raise call.refusal("a place among all rows of the batch", "give the operator an axis")
        return f"ops.{name}({call.x()}{', keepdims=True' if call['keepdim'] else ''})"
    return f"ops.{name}({call.x()}{reduced_along(call)})"


@writes("var", "std", "var_mean", "std_mean")
def spread(call: Call) -> str | list[str]:
    """Variance or standard deviation, with Bessel's correction or another; with the mean, too."""
    name, behind, x = call.step.operator, reduced(call, call["dim"]), call.x()
    correction = _correction(call)
    made = f"ops.var({x}{behind})"
    if correction:
        rank = call.rank("self")
        dims = call["dim"] if call["dim"] not in (None, []) else range(rank)
        lengths = [call.shape("self")[dim % rank] for dim in (dims if not isinstance(dims, int) else [dims])]
        if None in lengths:
            raise call.refusal("a corrected variance over an open number of values", "say unbiased=False")
        count = prod(cast(list[int], lengths))
        if count <= correction:
            raise call.refusal(f"a variance of {count} values, corrected by {correction}")
        made = f"{call.let(made)} * ({count} / {count - correction!r})"
    made = rooted(made) if name[:3] == "std" else made
    return [made, f"ops.mean({x}{behind})"] if name.endswith("mean") else made


def _correction(call: Call) -> float:
    if "unbiased" in call.step.arguments:
        return 1 if call["unbiased"] else 0
    correction = call.step.arguments.get("correction", 1)
    return 1 if correction is None else cast(float, correction)


SOFTMAX_AXES = 5
"""So many TensorFlow takes on a processor."""


@writes("softmax", "_softmax", "log_softmax", "_log_softmax", "_safe_softmax", "special_softmax")
def softmax(call: Call) -> str:
    """Along one axis."""
    name = "log_softmax" if "log" in call.step.operator else "softmax"
    if call.step.operator == "_safe_softmax":
        raise call.refusal("rows of nothing but -inf are taken as zeros, which Keras's softmax does not")
    axis = call.axis("self", call["dim"])
    x = floated(call, call["self"], call.x())
    if len(call.out_shape) > SOFTMAX_AXES and None not in call.out_shape[1:]:
        lengths = cast(tuple[int, ...], call.out_shape[axis:] if axis > 0 else call.out_shape[-1:])
        flat = call.let(f"ops.reshape({x}, {(-1, lengths[0], prod(lengths[1:]))!r})")
        return f"ops.reshape({call.let(f'ops.{name}({flat}, axis=1)')}, {call.target_shape()})"
    return f"ops.{name}({x}{'' if axis == -1 else f', axis={axis}'})"


@writes("median")
def median(call: Call) -> str | list[str]:
    """The value in the middle, of two the lower one; Keras would take their mean."""
    if call["dim"] is None:
        raise call.refusal("a median of all rows of the batch", "give the operator an axis")
    axis, length = call.axis("self", call["dim"]), call.shape("self")[call["dim"]]
    if length is None:
        raise call.refusal("a median over an open length")
    place = [(length - 1) // 2]
    x = call.x()
    behind = f", {place if call['keepdim'] else place[0]!r}, axis={axis}"
    return call.those_read(*(f"ops.take(ops.{name}({x}, axis={axis}){behind})" for name in ("sort", "argsort")))
