"""Operators that rearrange: reshapes, transposes, slices, joins and splits."""

from __future__ import annotations

from typing import cast

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.registry import writes
from homolog.passes.ways import Order, is_axes, is_flat, natural, permutation, permuted, squeezed_axes
from homolog.trace import Open

END = 2**62
"""From here on a number says "as far as there is"."""


@writes("view", "reshape", "flatten", "unflatten", "_unsafe_view", "view_as", "reshape_as")
def reshape(call: Call) -> str:
    """Another shape; what is flattened with its channels last is flattened so."""
    x, shape = call.x(), call.shape("self")
    if shape == call.step.shape and (None not in shape or call.step.operator == "flatten"):
        return x
    if is_flat(call.order):
        return call.layer("Flatten", {}, x)
    out, order = call.out_shape, call.order_of("self")
    if len(out) == 2 and out[0] is None and shape[:1] == (None,) and len(shape) > 2 and order == natural(len(shape)):
        return call.layer("Flatten", {}, x)
    if out.count(None) == 2 and out[0] is None and shape[0] is None:  # the layer leaves the batch as it is
        return call.layer("Reshape", {"0": tuple(-1 if length is None else length for length in out[1:])}, x)
    return f"ops.reshape({x}, {call.target_shape()})"


@writes("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "numpy_T", "mT")
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
    names = [_with_rows(call, value, dim) for value in given]
    axis = call.out_axis(dim)
    return f"ops.concatenate([{', '.join(names)}], axis={axis})"


def _with_rows(call: Call, value: Value, dim: int) -> str:
    name = call.operand(value)
    rank = call.rank(value)
    repeated = call.is_static(value) and not call.step.static and call.step.shape[0] is None and dim % rank != 0
    return call.let(f"{name} + {call.assembler.zeros(value, call.step)}") if repeated else name


@writes("stack")
def stack(call: Call) -> str:
    """Side by side along a new axis."""
    given = call.tensors("tensors")
    names = [_with_rows(call, value, 1) if call.rank(value) else call.plain(value) for value in given]
    return f"ops.stack([{', '.join(names)}], axis={call.out_axis(call['dim'])})"


@writes("split", "split_with_sizes", "chunk", "unsafe_chunk", "unsafe_split", "tensor_split")
def split(call: Call) -> str | list[str]:
    """In parts along an axis."""
    dim = cast(int, call["dim"])
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
    if call.step.operator == "narrow":
        end, step = start + call["length"], 1
    if isinstance(end, Open) and call.shape("self")[dim] is None and start in (None, 0):
        return call.x()  # up to the end
    words = [
        "" if start in (None, 0) else call.literal(start),
        "" if end is None or (isinstance(end, int) and end >= END) else call.literal(end),
        "" if step in (None, 1) else call.literal(step),
    ]
    text = ":".join(words if words[2] else words[:2])
    if text == ":" or call.step.shape == call.shape("self") and call.step.shape[dim] is not None:
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
        x = call.let(f"ops.reshape({x}, {call.assembler.shape_text(full, call)})")
    order = call.order if is_axes(call.order) else natural(len(wanted))
    times = tuple(1 if full[cast(int, axis)] == wanted[cast(int, axis)] else wanted[cast(int, axis)] for axis in order)
    if None in times:
        raise call.refusal("a repetition for each row of a value that has rows already")
    return f"ops.tile({x}, {times!r})" if set(times) != {1} else x


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


@writes("pad", "constant_pad_nd")
def pad(call: Call) -> str:
    """Zeros, another number, or what stands at the border, around the last axes."""
    amounts, mode = cast(list[int], call["pad"]), call["mode"] or "constant"
    rank = call.rank("self")
    by_axis = [(0, 0)] * rank
    for place in range(len(amounts) // 2):
        by_axis[rank - 1 - place] = (amounts[2 * place], amounts[2 * place + 1])
    if not any(map(any, by_axis)):
        return call.x()
    x, order = call.x(), call.order_of("self")
    if any(min(pair) < 0 for pair in by_axis):
        cuts = [
            f"{-before if before < 0 else ''}:{after if after < 0 else ''}"
            for before, after in (by_axis[cast(int, axis)] for axis in order)
        ]
        x = call.let(f"{x}[{', '.join(cuts)}]")
        by_axis = [(max(before, 0), max(after, 0)) for before, after in by_axis]
    widths = tuple(by_axis[cast(int, axis)] for axis in order)
    if not any(map(any, widths)):
        return x
    names = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}
    if mode not in names:
        raise call.refusal(f"mode={mode!r}: Keras pads with a constant, reflected or with the edge")
    if mode == "constant":
        value = call["value"] or 0
        return f"ops.pad({x}, {widths!r}{'' if not value else f', constant_values={call.literal(value)}'})"
    return f"ops.pad({x}, {widths!r}, mode={names[mode]!r})"
