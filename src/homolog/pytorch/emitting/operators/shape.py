"""Operators that rearrange: reshapes, permutations, slices, joins and splits."""

from __future__ import annotations

from math import prod
from typing import cast

from homolog.graph import Value
from homolog.passes.ways import Order, is_axes, is_flat, natural, permutation, permuted, squeezed_axes
from homolog.pytorch.emitting.call import Call, Lengths
from homolog.pytorch.emitting.registry import writes
from homolog.trace import BATCH, END, Open


@writes("view", "reshape", "flatten", "unflatten", "_unsafe_view", "view_as", "reshape_as", "ravel")
def reshape(call: Call) -> str:
    """Another shape."""
    x, lengths = call.x(), call.lengths("self")
    if call.is_static("self") and not call.step.alike:  # rows that are all alike go into an axis that is not the batch
        rows = call.rows("self")
        x = call.assembler.for_each_row(x, len(lengths), call.step, call.order_of("self").index(rows))
        lengths = (*lengths[:rows], BATCH, *lengths[rows + 1 :])
    if is_flat(call.order):
        return f"{x}.flatten(1)"
    given, wanted = arranged(lengths, call.order_of("self")), arranged(call.lengths(Value(call.step.name)), call.order)
    if given == wanted:
        return x
    flat = _flat(given, wanted)
    if flat is not None and (call.step.operator == "flatten" or flat == (1, -1)):
        start, end = flat
        return f"{x}.flatten({start})" if end == -1 else f"{x}.flatten({start}, {end})"
    return f"{x}.reshape({call.sizes(wanted, x, given)})"


def arranged(lengths: Lengths, order: Order) -> Lengths:
    """Lengths as they lie in an order."""
    return tuple(lengths[cast(int, axis)] for axis in order)


def _flat(given: Lengths, wanted: Lengths) -> tuple[int, int] | None:
    """From where to where neighbouring axes become one, if that is all."""
    gone = len(given) - len(wanted)
    if gone < 1:
        return None
    for start in range(len(wanted)):
        if given[:start] != wanted[:start] or given[start + gone + 1 :] != wanted[start + 1 :]:
            continue
        joined = given[start : start + gone + 1]
        known = prod(length for length in joined if isinstance(length, int))
        whole = known if all(isinstance(length, int) for length in joined) else None
        # where a length is one, or open, other axes may be meant than these
        if (start or gone + 1 == len(given)) and (whole == wanted[start] or (whole is None and start == 1)):
            return start, -1 if start == len(wanted) - 1 else start + gone
    return None


@writes("atleast_1d", "atleast_2d", "atleast_3d")
def at_least(call: Call) -> str | list[str]:
    """So many axes, with new ones of one where some lack."""
    name = call.step.operator
    if "tensors" not in call.step.arguments:
        return f"torch.{name}({call.plain('self')})"
    return [f"torch.{name}({call.plain(value)})" for value in call.tensors("tensors")]


@writes("unfold")
def unfold(call: Call) -> str:
    """Stretches of an axis, one after the other, each along a new last axis."""
    axis = cast(int, call["dimension"]) % call.rank("self")
    return f"{call.plain('self')}.unfold({axis}, {call.literal(call['size'])}, {call.literal(call['step'])})"


@writes("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "numpy_T", "mT", "adjoint", "mH")
def transpose(call: Call) -> str:
    """Other names for the axes, which lie as they did; or they are moved, if the result is wanted so."""
    x, rank = call.value("self"), call.rank("self")
    order = permuted(call.assembler.order(x), permutation(call.step, rank))
    name = call.assembler.expression(x, call.assembler.order(x), call.step)
    return moved(name, order, call.order)


def moved(name: str, order: Order, wanted: Order) -> str:
    """A value that lies in one order, in another."""
    places = [order.index(axis) for axis in wanted]
    different = [place for place, other in enumerate(places) if place != other]
    if not different:
        return name
    if len(different) == 2:
        one, two = (place - len(places) if min(different) >= len(places) - 2 else place for place in different)
        return f"{name}.transpose({one}, {two})"
    return f"{name}.permute({', '.join(map(str, places))})"


@writes("unsqueeze")
def unsqueeze(call: Call) -> str:
    """A new axis of one."""
    return f"{call.x()}.unsqueeze({call.out_axis(call['dim'])})"


@writes("squeeze")
def squeeze(call: Call) -> str:
    """Without axes of one."""
    axes = squeezed_axes(call.step, call.shape("self"))
    order = call.order_of("self")
    places = tuple(sorted(order.index(axis) for axis in axes))
    if not places:
        return call.x()
    rank = len(order)
    words = [str(place - rank) if place == rank - 1 and rank > 1 else str(place) for place in places]
    named = words[0] if len(words) == 1 else f"({', '.join(words)})"
    return f"{call.x()}.squeeze({named})"


@writes("cat", "concat")
def concatenate(call: Call) -> str:
    """Side by side; what is there once for all rows is repeated."""
    dim = cast(int, call["dim"] or 0)
    given = [value for value in call.tensors("tensors") if call.shape(value) != (0,)]
    apart = [dim % call.rank(value) != call.rows(value) for value in given]
    names = [call.with_rows(v, call.x(v)) if alone else call.x(v) for v, alone in zip(given, apart, strict=True)]
    return f"torch.cat([{', '.join(names)}], dim={call.out_axis(dim)})"


@writes("stack")
def stack(call: Call) -> str:
    """Side by side along a new axis."""
    names = [call.with_rows(value, call.x(value)) for value in call.tensors("tensors")]
    return f"torch.stack([{', '.join(names)}], dim={call.out_axis(call['dim'] or 0)})"


SPLITS = {"vsplit": 0, "hsplit": 1, "dsplit": 2}
"""Splits along an axis that their name says."""


@writes("split", "split_with_sizes", "chunk", "unsafe_chunk", "unsafe_split", "tensor_split", *SPLITS)
def split(call: Call) -> str | list[str]:
    """In parts along an axis."""
    dim = SPLITS.get(call.step.operator, cast(int, call["dim"] or 0))
    if call.step.operator == "hsplit" and call.rank("self") == 1:
        dim = 0
    x, axis = call.x(), call.axis("self", dim)
    lengths = [shape[dim] for shape in call.step.shapes]
    if len(lengths) == 1:
        return [x]
    if len(set(lengths)) == 1:
        return f"{x}.chunk({len(lengths)}, dim={axis})"
    words = ", ".join(map(str, lengths))
    return f"{x}.split(({words}), dim={axis})"


@writes("unbind")
def unbind(call: Call) -> str | list[str]:
    """One by one along an axis, which goes."""
    x, axis = call.x(), call.axis("self", call["dim"] or 0)
    return [f"{x}.squeeze({axis})"] if len(call.step.shapes) == 1 else f"{x}.unbind({axis})"


@writes("select")
def select(call: Call) -> str:
    """One place of an axis, which goes."""
    index = call["index"]
    if isinstance(index, Value):
        return f"{call.x()}.index_select({call.axis('self', call['dim'])}, {call.plain(index)})"
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
    if text == ":" or (call.step.shape == call.shape("self") and call.step.shape[dim] is not None and not words[2]):
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
    """Repeated along axes of one. Along the batch it is left to whoever reads it, if all rows are alike."""
    x, shape, wanted = call.x(), call.shape("self"), call.step.shape
    lacking = len(wanted) - len(shape)
    full = (*(1 for _ in range(lacking)), *shape)
    order = call.order if is_axes(call.order) else natural(len(wanted))
    sizes = call["size"]
    words = []
    for axis in order:
        ours, theirs = full[cast(int, axis)], wanted[cast(int, axis)]
        if ours == theirs and (ours is not None or cast(int, axis) >= lacking) and cast(int, axis) >= lacking:
            words.append("-1")
        elif theirs is not None:
            words.append(str(theirs))
        elif isinstance(sizes, list):
            words.append(call.literal(sizes[cast(int, axis)]))
        else:
            words.append(call.literal(Open(BATCH, 1)))
    if set(words) == {"-1"}:
        return x
    return f"{x}.expand({', '.join(words)})"


@writes("repeat", "tile")
def repeat(call: Call) -> str:
    """So many times along each axis, with new axes in front."""
    x, shape = call.x(), call.shape("self")
    given = cast(list[object], call["repeats"] if call["repeats"] is not None else call["dims"])
    rank = max(len(given), len(shape))
    times = [1] * (rank - len(given)) + [
        item.at_one if isinstance(item, Open) and call.step.static and call.step.alike else item for item in given
    ]
    order = call.order if is_axes(call.order) and rank == len(shape) else natural(rank)
    words = [call.literal(times[cast(int, axis)]) for axis in order]
    if set(words) == {"1"} and rank == len(shape):
        return x
    return f"{x}.repeat({', '.join(words)})"


@writes("_pad_circular", "pad", "constant_pad_nd")
@writes(*(f"{way}_pad{rank}d" for way in ("reflection", "replication") for rank in (1, 2, 3)))
def pad(call: Call) -> str:
    """Around the last axes: a number, or what stands inside, mirrored, repeated or from the other end."""
    widths, mode = _widths(call), _mode(call)
    x, value = call.x(), call["value"]
    if not any(widths):
        return x
    words = ", ".join(map(call.literal, widths))
    settings = "" if mode == "constant" else f", mode={mode!r}"
    settings += f", value={call.literal(float(value))}" if mode == "constant" and value else ""
    return f"F.pad({x}, ({words}){settings})"


MODES = {"reflection": "reflect", "replication": "replicate", "_pad_circular": "circular"}
"""By how the operators' names begin that have but one."""


def _mode(call: Call) -> str:
    own = next((mode for start, mode in MODES.items() if call.step.operator.startswith(start)), None)
    return own or cast(str, call["mode"] or "constant")


def _widths(call: Call) -> list[int | Open]:
    """How much is added in front of and behind each axis, as they lie, from the last one on."""
    amounts = cast(list[int | Open], call["pad"] if call["pad"] is not None else call["padding"])
    rank = call.rank("self")
    by_axis = {rank - 1 - place: amounts[2 * place : 2 * place + 2] for place in range(len(amounts) // 2)}
    found = [by_axis.get(cast(int, axis), [0, 0]) for axis in reversed(call.order_of("self"))]
    while found and not any(found[-1]) and len(found) > 1:
        found.pop()
    return [amount for pair in found for amount in pair]
