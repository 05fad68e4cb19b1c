"""Operators that pick numbers by their places, or put numbers there."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

import numpy as np

from homolog.graph import OpenShape, Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.places import Places, wrapped
from homolog.keras.emitting.registry import writes
from homolog.tensors import Array
from homolog.trace import END, Open

NARROW = frozenset({"bool", "int8", "uint8", "int16"})
"""Element types whose sum Keras gives in another."""


@writes("index", "_unsafe_index")
def index(call: Call) -> str:
    """Places of one axis, or of several at once; of each row its own, where the first index numbers the rows."""
    found = Places(call, call.value("self"), cast("list[object]", call["indices"]))
    x, shape = found.turned()
    start = found.axes[0] + found.by_rows
    lengths = [shape[axis] for axis in range(start, found.axes[-1] + 1)]
    if not lengths:  # each row by its number
        return _shaped(call, x, shape)
    if len(lengths) > 1:
        x = call.let(f"ops.reshape({x}, {_text(call, (*shape[:start], found.size, *shape[start + len(lengths) :]))})")
    rest = shape[start + len(lengths) :]
    constant = found.constant()
    if constant is not None and np.array_equal(constant.reshape(-1), np.arange(found.size or -1)):
        return _shaped(call, x, (*shape[:start], found.size, *rest))
    if not found.by_rows:
        return f"ops.take({x}, {found.text()}, axis={start})"
    if not found.has_rows:
        if constant is None:
            raise call.refusal("places that are neither known nor each row's own")
        places = call.assembler.fixed("places", constant.reshape(constant.shape[1:]).astype("int32"), call.step)
        return f"ops.take({x}, {places}, axis={start})"
    count = prod(cast(int, length) for length in found.shape[1:])
    wide = (-1, count, *(1 for _ in rest))
    places = found.text()
    if wide[1:] != found.shape[1:]:
        places = call.let(f"ops.reshape({places}, {wide!r})")
    picked = call.let(f"ops.take_along_axis({x}, {places}, axis=1)")
    return _shaped(call, picked, (None, count, *rest))


def _shaped(call: Call, x: str, shape: OpenShape) -> str:
    """A value in the result's shape."""
    if shape == call.step.shape:
        return x
    gone = (*shape[:1], *shape[2:])
    if gone == call.step.shape and shape[1] == 1:
        return f"ops.squeeze({x}, axis=1)"
    return f"ops.reshape({x}, {_text(call, call.step.shape)})"


def _text(call: Call, shape: OpenShape) -> str:
    return call.assembler.shape_text(shape, call.step)


@writes("index_select")
def index_select(call: Call) -> str:
    """Places of one axis."""
    return f"ops.take({call.x()}, {call.plain('index')}, axis={call.axis('self', call['dim'])})"


@writes("gather", "take_along_dim")
def gather(call: Call) -> str:
    """For every place a place of one axis."""
    name = "index" if call.has("index") else "indices"
    if call["dim"] is None:
        flat = call.let(f"ops.reshape({call.plain('self')}, (-1,))")
        return f"ops.take({flat}, {call.plain(name)})"
    dim = cast(int, call["dim"]) % max(call.rank("self"), 1)
    x = call.plain("self")
    if call.step.operator == "gather":
        x = _as_long(call, x, call.shape("self"), call.shape(name), dim)
    if dim == 0 and call.shape("self")[0] is None:
        raise call.refusal("places of the batch's own axis")
    return f"ops.take_along_axis({x}, {call.plain(name)}, axis={dim})"


def _as_long(call: Call, x: str, shape: OpenShape, other: OpenShape, dim: int) -> str:
    """The front of a tensor, where another is shorter along any other axis."""
    parts = [
        ":"
        if axis == dim or length == wanted or wanted is None or length is None or (axis == 0 and wanted == 1)
        else f":{wanted}"
        for axis, (length, wanted) in enumerate(zip(shape, other, strict=True))
    ]
    while parts and parts[-1] == ":":
        parts.pop()
    return call.let(f"{x}[{', '.join(parts)}]") if parts else x


@writes("scatter", "scatter_add", "scatter_reduce")
def scatter(call: Call) -> str:
    """Numbers put at places of one axis: of several for one place the last, or all together."""
    rank = max(call.rank("self"), 1)
    dim = cast(int, call["dim"]) % rank
    length = call.shape("self")[dim]
    ours, theirs = call.shape("self"), call.shape("index")
    alike = ours[:1] == (1,) and call.is_static("self")  # the same for all rows
    apart = [axis for axis, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b and not (alike and axis == 0)]
    if length is None or set(apart) - {dim}:
        raise call.refusal(f"places of shape {theirs} in a tensor of shape {ours}", "fill the whole of the other axes")
    reduce = call["reduce"]
    adds = call.step.operator == "scatter_add" or (reduce in ("add", "sum") and call["include_self"] is not False)
    if reduce is not None and not adds:
        raise call.refusal(f"reduce={reduce!r}")
    x, places = call.plain("self"), call.plain("index")
    source = call.plain("src") if call.has("src") else call.literal(call["value"])
    if call.has("src") and call.shape("src") != theirs:
        raise call.refusal(f"a source of shape {call.shape('src')} for places of shape {theirs}")
    # every place against every number of the axis: (…, places, numbers, …)
    count = theirs[dim]
    behind = (1,) * (rank - dim - 1)
    numbers = call.let(f"ops.reshape(ops.arange({length}), {(length, *behind)!r})")
    hits = call.let(f"ops.equal(ops.expand_dims({places}, {dim + 1}), {numbers})")
    if adds:
        wide = f"ops.expand_dims({source}, {dim + 1})" if call.has("src") else source
        return f"{x} + ops.sum(ops.where({hits}, {wide}, 0), axis={dim})"
    if not call.has("src"):
        return f"ops.where(ops.any({hits}, axis={dim}), {source}, {x})"
    order = call.let(f"ops.reshape(ops.arange({count}), {(count, 1, *behind)!r})")
    last = call.let(f"ops.max(ops.where({hits}, {order}, -1), axis={dim})")
    taken = call.let(f"ops.take_along_axis({source}, ops.maximum({last}, 0), axis={dim})")
    return f"ops.where({last} >= 0, {taken}, {x})"


@writes("index_add")
def index_add(call: Call) -> str:
    """Numbers added at places of one axis, the same for all rows: of several for one place all together."""
    dim = cast(int, call["dim"]) % max(call.rank("self"), 1)
    source = call.operand(call["alpha"]) if call["alpha"] != 1 else ""
    source = f"{source} * {call.plain('source')}" if source else call.plain("source")
    return _added(call, dim, call.plain("index"), call.shape("index"), source)


def _added(call: Call, axis: int, places: str, numbers: OpenShape, source: str) -> str:
    """A tensor with numbers added to it at places of one axis. They are chosen, and no product with zeros and ones is
    taken: that makes NaN of an infinite number, and float32 of whole numbers."""
    length = call.shape("self")[axis]
    if length is None or len(numbers) != 1 or numbers[0] is None:
        raise call.refusal("numbers added at places of an axis of open length", "say it as a product with a matrix")
    if call.out_dtype in NARROW:
        raise call.refusal(f"{call.out_dtype} numbers added at places", "cast them to float32 or int32 before")
    behind = (1,) * (call.rank("self") - axis - 1)
    hits = call.let(f"ops.equal(ops.expand_dims({places}, 1), ops.arange({length}))")
    hits = call.let(f"ops.reshape({hits}, {(numbers[0], length, *behind)!r})") if behind else hits
    return f"{call.plain('self')} + ops.sum(ops.where({hits}, ops.expand_dims({source}, {axis + 1}), 0), axis={axis})"


@writes("index_put")
def index_put(call: Call) -> str:
    """Numbers put at places: where a mask holds, at places of one axis that are known, or at one place of each row."""
    indices = cast("list[object]", call["indices"])
    given = [axis for axis, item in enumerate(indices) if item is not None]
    x, shape = call.plain("self"), call.shape("self")
    first = cast(Value, indices[given[0]])
    if call["accumulate"]:
        return _accumulated(call, given, first)
    if call.dtype(first) == "bool" and given == [0] and not call.rank("values"):
        wide = ", ".join([":"] * call.rank(first) + ["None"] * (len(shape) - call.rank(first)))
        mask = call.plain(first) if call.rank(first) == len(shape) else call.let(f"{call.plain(first)}[{wide}]")
        return f"ops.where({mask}, {call.plain('values')}, {x})"
    array = call.constant(first)
    if array is not None and len(given) == 1 and array.ndim == 1 and shape[given[0]] is not None:
        return _put(call, x, given[0], wrapped(array, cast(int, shape[given[0]])))
    if call.assembler.trace.steps[first.node].counted == 0 and given == [0, 1] and call.rank(first) == 1:
        places = call.plain(cast(Value, indices[1]))
        behind = (1,) * (len(shape) - 2)
        hits = call.let(f"ops.equal({places}[:, None], ops.arange({shape[1]}))")
        hits = call.let(f"ops.reshape({hits}, {(-1, shape[1], *behind)!r})") if behind else hits
        values = call.plain("values")
        if call.rank("values") == len(shape) - 1:
            values = call.let(f"ops.expand_dims({values}, 1)")
        return f"ops.where({hits}, {values}, {x})"
    raise call.refusal("places that only the inputs' values tell", "say it with torch.where")


def _accumulated(call: Call, given: Sequence[int], places: Value) -> str:
    """Numbers added at places of one axis."""
    (axis, *others), shape = given, call.shape("self")
    length, wanted = shape[axis], (*shape[:axis], *call.shape(places), *shape[axis + 1 :])
    if others or length is None or call.dtype(places) == "bool":
        raise call.refusal("accumulate=True at places of several axes, or of one of open length")
    if call.shape("values") != wanted:
        raise call.refusal(f"values of shape {call.shape('values')} added at places of shape {wanted}")
    text = call.plain(places)
    from_end = call.let(f"ops.where({text} < 0, {text} + {length}, {text})")
    return _added(call, axis, from_end, call.shape(places), call.plain("values"))


def _put(call: Call, x: str, axis: int, places: Array) -> str:
    """Values put at places of one axis that are known."""
    length = cast(int, call.shape("self")[axis])
    from_place = np.full(length, -1)
    from_place[places] = np.arange(len(places))
    behind = (1,) * (call.rank("self") - axis - 1)
    mask = call.let(f"ops.reshape(ops.convert_to_tensor({(from_place >= 0).tolist()!r}), {(length, *behind)!r})")
    values = call.plain("values")
    rank, lengths = call.rank("values"), call.shape("values")
    own = rank - (call.rank("self") - axis)
    if own >= 0 and lengths[own] != 1:
        taken = np.maximum(from_place, 0).tolist()
        values = call.let(f"ops.take({values}, ops.convert_to_tensor({taken!r}), axis={own})")
    return f"ops.where({mask}, {values}, {x})"


@writes("slice_scatter")
def slice_scatter(call: Call) -> str:
    """A stretch of an axis replaced."""
    dim = cast(int, call["dim"] or 0) % call.rank("self")
    length = call.shape("self")[dim]
    if call["start"] in (None, 0) and call["step"] in (None, 1) and _reaches_the_end(call["end"]):
        return call.x("src")
    start, end, _ = slice(call["start"], call["end"], 1).indices(length or 0)
    if length is None or call["step"] not in (None, 1):
        raise call.refusal(f"step={call['step']!r} along an axis of {length}")
    return _between(call, dim, start, end, call.x("src"))


def _reaches_the_end(end: object) -> bool:
    return end is None or (isinstance(end, int) and end >= END)


@writes("select_scatter")
def select_scatter(call: Call) -> str:
    """One place of an axis replaced."""
    dim = cast(int, call["dim"]) % call.rank("self")
    length = call.shape("self")[dim]
    if length is None:
        raise call.refusal("a place of an open axis")
    place = cast(int, call["index"]) % length
    return _between(call, dim, place, place + 1, call.let(f"ops.expand_dims({call.plain('src')}, {dim})"))


def _between(call: Call, dim: int, start: int, end: int, source: str) -> str:
    """A tensor with the stretch of an axis replaced, as both lie; of the two, what is once for all rows is repeated."""
    x, place = _for_rows(call, "self", "src", call.x("self")), call.order.index(dim)
    source = _for_rows(call, "src", "self", source)
    front, alone = ":, " * place, "" if place else ","  # Keras wants a tuple
    parts = [f"{x}[{front}:{start}{alone}]"] if start else []
    parts.append(source)
    if end < cast(int, call.shape("self")[dim]):
        parts.append(f"{x}[{front}{end}:{alone}]")
    return f"ops.concatenate([{', '.join(parts)}], axis={place})" if len(parts) > 1 else source


def _for_rows(call: Call, name: str, other: str, text: str) -> str:
    """An operand with a row for each row of the other, which has them."""
    if not call.is_static(name) or call.is_static(other) or call.step.shape[0] is not None:
        return text
    rank, dtype = len(call.step.shape), call.dtype(name)
    return call.assembler.for_each_row(text, rank, dtype, call.step, beside=(call.value(other), 0))


@writes("one_hot")
def one_hot(call: Call) -> str:
    """For each number a row of zeros with a one at its place."""
    classes = call.step.shape[-1]
    if classes is None:
        raise call.refusal("a number of classes that only the inputs' values tell", "name num_classes")
    return f"ops.one_hot({call.plain('self')}, {classes}, dtype={call.out_dtype!r})"


@writes("repeat_interleave")
def repeat_interleave(call: Call) -> str:
    """Each number of an axis several times."""
    times = call["repeats"]
    if isinstance(times, Open) and call.step.static and call.step.alike:
        times = times.at_one  # rows that are all alike are one row
    if not isinstance(times, int):
        raise call.refusal("repetitions that differ, or that only the inputs tell")
    if call["dim"] is None:
        return f"ops.repeat({call.plain('self')}, {times})"
    return f"ops.repeat({call.x()}, {times}, axis={call.axis('self', call['dim'])})"


@writes("tril", "triu")
def triangle(call: Call) -> str:
    """One side of the diagonal, and zeros."""
    k = call["diagonal"] or 0
    return f"ops.{call.step.operator}({call.plain('self')}{f', k={k}' if k else ''})"
