"""Operators that put in order, look up in what is in order, or run along an axis."""

from __future__ import annotations

from typing import cast

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.types import is_float
from homolog.keras.emitting.registry import Writer, writes

RUNNING = {"cumsum": "cumsum", "cumprod": "cumprod"}
SCANNED = {"cummax": "maximum", "cummin": "minimum", "logcumsumexp": "logaddexp"}


def _running(function: str) -> Writer:
    def write(call: Call) -> str:
        x = call.x()
        if call.dtype("self") != call.out_dtype:
            x = f"ops.cast({x}, {call.out_dtype!r})"
        return f"ops.{function}({x}, axis={call.axis('self', call['dim'])})"

    return write


for _name, _function in RUNNING.items():
    writes(_name)(_running(_function))


@writes("logcumsumexp")
def logcumsumexp(call: Call) -> str:
    """The logarithm of running sums of exponentials."""
    return _scanned(call)


@writes("cummax", "cummin")
def running_extreme(call: Call) -> list[str]:
    """The largest so far; where it stood Keras has no function for."""
    if call.is_read(1):
        raise call.refusal("the places of the running extremes", "use the values alone")
    values = call.let(_scanned(call))
    return [values, values]


def _scanned(call: Call) -> str:
    function = SCANNED[call.step.operator]
    return f"ops.associative_scan(ops.{function}, {call.x()}, axis={call.axis('self', call['dim'])})"


@writes("sort")
def sort(call: Call) -> list[str]:
    """The values in order, and where each stood."""
    if call.is_read(0):
        return call.those_read(_sorted(call), ordered(call))
    return call.those_read("", ordered(call))


@writes("msort")
def msort(call: Call) -> str:
    """In order along the first axis."""
    return _sorted(call)


def _sorted(call: Call) -> str:
    axis = call.axis("self", call["dim"] or 0) if call["dim"] is not None else call.axis("self", -1)
    made = f"ops.sort({call.x()}, axis={axis})"
    return f"ops.flip({call.let(made)}, axis={axis})" if call["descending"] else made


@writes("argsort")
def argsort(call: Call) -> str:
    """Where each value of the sorted ones stood."""
    return ordered(call)


def ordered(call: Call) -> str:
    """The same: of equal ones the first comes first, backwards too."""
    x, axis = call.x(), call.axis("self", -1 if call["dim"] is None else call["dim"])
    if call["descending"]:
        x = f"ops.logical_not({x})" if call.dtype("self") == "bool" else f"-{x}"
    return f"ops.argsort({x}, axis={axis})"


@writes("topk")
def topk(call: Call) -> str | list[str]:
    """The largest or smallest of an axis, and where they stand."""
    x, axis, count = call.x(), call.axis("self", call["dim"]), call.literal(call["k"])
    if axis != -1:
        x = call.let(f"ops.moveaxis({x}, {axis}, -1)")
    x = x if call["largest"] else f"-{x}"
    if axis == -1 and call["largest"]:
        return f"ops.top_k({x}, {count})"
    values, places = call.let(f"ops.top_k({x}, {count})", 2).split(", ")
    values = values if call["largest"] else call.let(f"-{values}")
    if axis == -1:
        return [values, places]
    return [f"ops.moveaxis({values}, -1, {axis})", f"ops.moveaxis({places}, -1, {axis})"]


@writes("kthvalue")
def kthvalue(call: Call) -> list[str]:
    """The smallest but so many of an axis, and where it stands."""
    x, axis, place = call.x(), call.axis("self", call["dim"]), cast(int, call["k"]) - 1
    behind = f", {[place] if call['keepdim'] else place!r}, axis={axis}"
    return call.those_read(*(f"ops.take(ops.{name}({x}, axis={axis}){behind})" for name in ("sort", "argsort")))


@writes("bucketize", "searchsorted")
def bucketize(call: Call) -> str:
    """Between which of the bounds, which are in order, a value lies."""
    bounds = call["boundaries"] if call.step.operator == "bucketize" else call["sorted_sequence"]
    if not isinstance(bounds, Value) or call.rank(bounds) != 1:
        raise call.refusal("bounds of their own for every row", "look each row up in bounds that all share")
    right = call["right"] or call["side"] == "right"
    if isinstance(call["sorter"], Value):
        raise call.refusal("bounds in another order than their own")
    x, line = call.x(), call.plain(bounds)
    if is_float(call.dtype(bounds)) and not is_float(call.dtype("self")):
        x = f"ops.cast({x}, {call.dtype(bounds)!r})"
    elif call.dtype(bounds) != call.dtype("self"):
        line = f"ops.cast({line}, {call.dtype('self')!r})"
    side = ", side='right'" if right else ""
    if call.rank("self") == 1:
        return f"ops.searchsorted({line}, {x}{side})"
    return f"ops.reshape(ops.searchsorted({line}, ops.reshape({x}, (-1,)){side}), {call.target_shape()})"
