"""Operators that rearrange: reshapes, transposes, slices, joins and splits."""

from __future__ import annotations

from typing import cast

from homolog.graph import OpenShape, Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.registry import writes
from homolog.passes.ways import Order, is_axes, is_flat, is_flattened, natural, permutation, permuted, squeezed_axes
from homolog.trace import END, Open


@writes("view", "reshape", "flatten", "unflatten", "_unsafe_view", "view_as", "reshape_as", "ravel")
def reshape(call: Call) -> str:
    """Another shape; what is flattened with its channels last is flattened so."""
    x, shape = call.x(), call.shape("self")
    if shape == call.step.shape and shape.count(None) < 2:
        return x
    if call.is_static("self") and not call.step.alike:  # rows that are all alike go into an axis that is not the batch
        place = call.order_of("self").index(call.rows("self"))
        x = call.assembler.for_each_row(x, len(shape), call.dtype("self"), call.step, place=place)
    if is_flat(call.order):
        return call.layer("Flatten", {}, x)
    out, order = call.out_shape, call.order_of("self")
    if out[:1] == (None,) and len(shape) > 2 and order == natural(len(shape)) and is_flattened(shape, out):
        return call.layer("Flatten", {}, x)
    if out.count(None) == 2 and out[0] is None and shape[0] is None:  # the layer leaves the batch as it is
        return call.layer("Reshape", {"0": tuple(-1 if length is None else length for length in out[1:])}, x)
    return f"ops.reshape({x}, {call.target_shape()})"


@writes("atleast_1d", "atleast_2d", "atleast_3d")
def at_least(call: Call) -> str | list[str]:
    """So many axes, with new ones of one where some lack."""
    if "tensors" not in call.step.arguments:
        return _widened(call, call.value("self"), call.step.shape)
    pairs = zip(call.tensors("tensors"), call.step.shapes, strict=True)
    return [_widened(call, value, shape) for value, shape in pairs]


def _widened(call: Call, value: Value, shape: OpenShape) -> str:
    x = call.plain(value)
    return x if call.shape(value) == shape else f"ops.reshape({x}, {call.assembler.shape_text(shape, call.step)})"


@writes("unfold")
def unfold(call: Call) -> str:
    """Stretches of an axis, one after the other, each along a new last axis."""
    axis, size, step = cast(int, call["dimension"]) % call.rank("self"), call["size"], call["step"]
    count = call.step.shape[axis]
    if count is None:
        raise call.refusal("stretches of an open length")
    starts = f"ops.expand_dims(ops.arange(0, {count * step}, {step}), 1)"
    taken = call.let(f"ops.take({call.plain('self')}, {starts} + ops.arange({size}), axis={axis})")
    return taken if axis == call.rank("self") - 1 else f"ops.moveaxis({taken}, {axis + 1}, -1)"


@writes("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "numpy_T", "mT", "adjoint", "mH")
def transpose(call: Call) -> str:
    """Other names for the axes, which lie as they did; or they are moved, if the result is wanted so."""
    x, rank = call.value("self"), call.rank("self")
    order = permuted(call.assembler.order(x), permutation(call.step, rank))
    name = call.assembler.expression(x, call.assembler.order(x), call.step)
    return moved(name, order, call.order)


def moved(name: str, order: Order, wanted: Order) -> str:
    """A value that lies in one order, in another."""
    places = tuple(order.index(axis) for axis in wanted)
    return name if places == natural(len(places)) else f"ops.transpose({name}, {places!r})"


@writes("unsqueeze")
def unsqueeze(call: Call) -> str:
    """A new axis of one."""
    return f"ops.expand_dims({call.x()}, {call.out_axis(call['dim'])})"


@writes("squeeze")
def squeeze(call: Call) -> str:
    """Without axes of one."""
    axes = squeezed_axes(call.step, call.shape("self"))
    order = call.order_of("self")
    places = tuple(sorted(order.index(axis) for axis in axes))
    if not places:
        return call.x()
    return f"ops.squeeze({call.x()}, axis={places[0] if len(places) == 1 else places!r})"


@writes("cat", "concat")
def concatenate(call: Call) -> str:
    """Side by side; what is there once for all rows is repeated."""
    dim = cast(int, call["dim"] or 0)
    given = [value for value in call.tensors("tensors") if call.shape(value) != (0,)]
    joins_rows = [dim % call.rank(value) == call.rows(value) for value in given]
    names = [
        call.x(value) if joins else _with_rows(call, value, given, call.rows(value))
        for value, joins in zip(given, joins_rows, strict=True)
    ]
    axis = call.out_axis(dim)
    return f"ops.concatenate([{', '.join(names)}], axis={axis})"


def _with_rows(call: Call, value: Value, given: list[Value], into: int) -> str:
    """One of several tensors of one shape, with rows where the result has them, along its axis ``into``."""
    name, rank, rows = call.x(value), call.rank(value), call.rows(value)
    if not call.is_static(value) or call.step.shape[into] is not None:
        return name
    moving = next(((other, rows) for other in given if not call.is_static(other)), None)
    place = call.order_of(value).index(rows)
    return call.assembler.for_each_row(name, rank, call.dtype(value), call.step, beside=moving, place=place)


@writes("stack")
def stack(call: Call) -> str:
    """Side by side along a new axis."""
    given, dim = call.tensors("tensors"), cast(int, call["dim"]) % len(call.step.shape)
    names = [
        _with_rows(call, value, given, rows + (dim <= rows)) if call.rank(value) else call.plain(value)
        for value, rows in zip(given, map(call.rows, given), strict=True)
    ]
    return f"ops.stack([{', '.join(names)}], axis={call.out_axis(dim)})"


SPLITS = {"vsplit": 0, "hsplit": 1, "dsplit": 2}
"""Splits along an axis that their name says."""


@writes("split", "split_with_sizes", "chunk", "unsafe_chunk", "unsafe_split", "tensor_split", *SPLITS)
def split(call: Call) -> str | list[str]:
    """In parts along an axis."""
    dim = SPLITS.get(call.step.operator, cast(int, call["dim"]))
    if call.step.operator == "hsplit" and call.rank("self") == 1:
        dim = 0
    x, axis = call.x(), call.axis("self", dim)
    lengths = [cast(int, shape[dim]) for shape in call.step.shapes]
    if len(lengths) == 1:
        return [x]
    if len(set(lengths)) == 1:
        return f"ops.split({x}, {len(lengths)}, axis={axis})"
    places = [sum(lengths[: place + 1]) for place in range(len(lengths) - 1)]
    return f"ops.split({x}, {places!r}, axis={axis})"


@writes("unbind")
def unbind(call: Call) -> str | list[str]:
    """One by one along an axis, which goes."""
    x, axis = call.x(), call.axis("self", call["dim"])
    if len(call.step.shapes) == 1:
        return [f"ops.squeeze({x}, axis={axis})"]
    return f"ops.unstack({x}, axis={axis})"


@writes("select")
def select(call: Call) -> str:
    """One place of an axis, which goes."""
    index = call["index"]
    if isinstance(index, Value):
        return f"ops.take({call.x()}, {call.plain(index)}, axis={call.axis('self', call['dim'])})"
    return indexed(call, "self", {cast(int, call["dim"]): call.literal(index)})


@writes("slice", "narrow")
def part(call: Call) -> str:
    """A stretch of an axis."""
    dim = cast(int, call["dim"] or 0)
    start, end, step = call["start"], call["end"], call["step"]
    words = [
        "" if start in (None, 0) else call.literal(start),
        "" if end is None or (isinstance(end, int) and end >= END) else call.literal(end),
        "" if step in (None, 1) else call.literal(step),
    ]
    text = ":".join(words if words[2] else words[:2])
    if text == ":" or (call.step.shape == call.shape("self") and call.step.shape[dim] is not None):
        return call.x()
    return indexed(call, "self", {dim: text})


def indexed(call: Call, name: str, places: dict[int, str]) -> str:
    """A tensor in brackets, with what stands at some of its axes."""
    order = call.order_of(name)
    if not is_axes(order):
        raise call.refusal("a part of a flattened map")
    rank = len(order)
    at = {order.index(dim % rank): text for dim, text in places.items()}
    parts = [at.get(place, ":") for place in range(max(at) + 1)]
    if max(at) == rank - 1 and rank - min(at) < min(at) + 1 and rank > 2:
        parts = ["...", *(at.get(place, ":") for place in range(min(at), rank))]
    if len(parts) == 1 and ":" in parts[0]:  # Keras takes a slice among others alone
        return f"{call.x(name)}[{parts[0]}, {':' if rank > 1 else ''}]"
    return f"{call.x(name)}[{', '.join(parts)}]"


@writes("expand", "expand_as", "broadcast_to")
def expand(call: Call) -> str:
    """Repeated along axes of one. Along the batch it is left to whoever reads it, for all rows are alike."""
    x, shape, wanted = call.x(), call.shape("self"), call.step.shape
    lacking = len(wanted) - len(shape)
    full = (*(1 for _ in range(lacking)), *shape)
    if full == wanted and not lacking:
        return x
    if lacking:
        x = call.let(f"ops.reshape({x}, {call.assembler.shape_text(full, call.step)})")
    order = call.order if is_axes(call.order) else natural(len(wanted))
    times = tuple(1 if full[cast(int, axis)] == wanted[cast(int, axis)] else wanted[cast(int, axis)] for axis in order)
    rows = 0
    if times[:1] == (None,) and not call.step.alike:
        rows, times = _batches(call, cast(list[object], call["size"])[0]), (1, *times[1:])
    if None in times:
        raise call.refusal("a repetition for each row of a value that has rows already")
    x = call.let(f"ops.tile({x}, {times!r})") if set(times) != {1} else x
    return call.assembler.for_each_row(x, len(wanted), call.dtype("self"), call.step, rows) if rows else x


@writes("roll")
def roll(call: Call) -> str:
    """Around the ends of axes."""
    x, dims, shifts = call.x(), call["dims"], call["shifts"]
    order = call.order_of("self")
    if not dims:
        raise call.refusal("a roll over the flattened tensor")
    axes = tuple(order.index(dim % len(order)) for dim in dims)
    if len(axes) == 1:
        return f"ops.roll({x}, {shifts[0]}, axis={axes[0]})"
    return f"ops.roll({x}, {tuple(shifts)!r}, axis={axes!r})"


@writes("flip")
def flip(call: Call) -> str:
    """Backwards along axes."""
    axes = call.axes("self", call["dims"])
    return f"ops.flip({call.x()}, axis={axes[0] if len(axes) == 1 else axes!r})"


@writes("repeat", "tile")
def repeat(call: Call) -> str:
    """So many times along each axis, with new axes in front."""
    x, shape = call.x(), call.shape("self")
    given = cast(list[object], call["repeats"] if call["repeats"] is not None else call["dims"])
    times = [item.at_one if isinstance(item, Open) and call.is_static("self") else item for item in given]
    rank = max(len(times), len(shape))
    times = [1] * (rank - len(times)) + times
    for_each = bool(given) and isinstance(given[0], Open) and len(given) == rank and not call.step.alike
    if for_each:
        times[0] = _batches(call, given[0])
    if any(not isinstance(item, int) for item in times):
        raise call.refusal("a repetition for each row of a value that has rows already")
    if rank > len(shape):
        x = call.let(f"ops.reshape({x}, {call.assembler.shape_text((*(1,) * (rank - len(shape)), *shape), call.step)})")
    laid_times = tuple(
        cast(int, times[cast(int, axis)]) for axis in (call.order if is_axes(call.order) else natural(rank))
    )
    x = call.let(f"ops.tile({x}, {laid_times!r})") if set(laid_times) != {1} else x
    if not for_each:
        return x
    wide = call.let(f"ops.expand_dims({x}, 0)")
    wide = call.assembler.for_each_row(wide, rank + 1, call.dtype("self"), call.step)
    return f"ops.reshape({wide}, {call.target_shape()})"


def _batches(call: Call, length: object) -> int:
    """How many times the batch a length is."""
    times = length.at_one if isinstance(length, Open) else None
    if not isinstance(length, Open) or times is None or length.text not in ("batch", f"{times}*batch"):
        raise call.refusal(f"a repetition of {length.text if isinstance(length, Open) else length}")
    return times


@writes("diagonal", "linalg_diagonal")
def diagonal(call: Call) -> str:
    """What lies on a diagonal of two axes, as the last axis."""
    one, two = (call[f"dim{n}"] if call[f"dim{n}"] is not None else n - 3 for n in (1, 2))
    name = "A" if call.step.operator == "linalg_diagonal" else "self"
    rank = call.rank(name)
    return f"ops.diagonal({call.plain(name)}, offset={call['offset'] or 0}, axis1={one % rank}, axis2={two % rank})"


@writes("rot90")
def rot90(call: Call) -> str:
    """Turned by right angles in the plane of two axes."""
    order = call.order_of("self")
    axes = tuple(order.index(dim % len(order)) for dim in call["dims"])
    return f"ops.rot90({call.x()}, k={call.literal(call['k'])}, axes={axes!r})"
