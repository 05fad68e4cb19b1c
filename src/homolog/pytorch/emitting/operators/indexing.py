"""Operators that pick numbers by their places, or put numbers there."""

from __future__ import annotations

from typing import cast

from homolog.graph import Value
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.registry import writes
from homolog.trace import END


@writes("index", "_unsafe_index")
def index(call: Call) -> str:
    """Places of one axis, or of several at once."""
    return f"{call.plain_with_rows('self')}[{_places(call)}]"


def _places(call: Call) -> str:
    found = [":" if item is None else call.plain(cast(Value, item)) for item in cast("list[object]", call["indices"])]
    while found and found[-1] == ":":
        found.pop()
    return ", ".join(found)


@writes("index_put")
def index_put(call: Call) -> str:
    """Numbers put at places."""
    items = cast("list[object]", call["indices"])
    x = call.plain_with_rows("self")
    given = [item for item in items if isinstance(item, Value)]
    first = items.index(given[0])
    if None in items[first:]:
        raise call.refusal("places on both sides of an axis that is taken whole", "say it with torch.where")
    behind = max(call.rank(item) for item in given)
    words = [_whole(x, axis, first - axis - 1 + behind) for axis in range(first)]
    words += [call.plain(item) for item in given]
    adds = ", accumulate=True" if call["accumulate"] else ""
    value = call.plain("values")
    if value[:1] in "-0123456789" or value in ("True", "False"):
        value = f"torch.tensor({value}, dtype=torch.{call.out_dtype}, device={x}.device)"
    return f"{x}.index_put(({', '.join(words)},), {value}{adds})"


def _whole(x: str, axis: int, behind: int) -> str:
    """Every place of an axis, with so many axes behind it."""
    return f"torch.arange({x}.shape[{axis}], device={x}.device)[:{', None' * behind}]"


@writes("gather", "take_along_dim")
def gather(call: Call) -> str:
    """For every place a place of one axis."""
    name = "index" if call.has("index") else "indices"
    x, places = (call.plain_with_rows(key) for key in ("self", name))
    if call.step.operator == "gather":
        return f"{x}.gather({call['dim']}, {places})"
    dim = "" if call["dim"] is None else f", dim={call['dim']}"
    return f"{x}.take_along_dim({places}{dim})"


@writes("scatter", "scatter_add", "scatter_reduce")
def scatter(call: Call) -> str:
    """Numbers put at places of one axis."""
    x, places = (call.plain_with_rows(key) for key in ("self", "index"))
    source = call.plain_with_rows("src") if call.has("src") else call.literal(call["value"])
    words = [str(call["dim"]), places, source]
    if call["reduce"] is not None:
        name = call.step.operator
        words.append(repr(call["reduce"]) if name == "scatter_reduce" else f"reduce={call['reduce']!r}")
    if call["include_self"] is False:
        words.append("include_self=False")
    return f"{x}.{call.step.operator}({', '.join(words)})"


@writes("index_add")
def index_add(call: Call) -> str:
    """Numbers added at places of one axis, the same for all rows."""
    x, source = (call.plain_with_rows(key) for key in ("self", "source"))
    scale = "" if call["alpha"] == 1 else f", alpha={call.literal(call['alpha'])}"
    return f"{x}.index_add({call['dim']}, {call.plain('index')}, {source}{scale})"


@writes("slice_scatter")
def slice_scatter(call: Call) -> str:
    """A stretch of an axis replaced."""
    dim = call.order.index(cast(int, call["dim"] or 0) % call.rank("self"))
    words = [f"dim={dim}"]
    words += [] if call["start"] in (None, 0) else [f"start={call.literal(call['start'])}"]
    end = call["end"]
    words += [] if end is None or (isinstance(end, int) and end >= END) else [f"end={call.literal(end)}"]
    words += [] if call["step"] in (None, 1) else [f"step={call.literal(call['step'])}"]
    if len(words) == 1:
        return call.x("src")
    x, source = call.with_rows("self", call.x()), call.with_rows("src", call.x("src"))
    return f"torch.slice_scatter({x}, {source}, {', '.join(words)})"


@writes("select_scatter")
def select_scatter(call: Call) -> str:
    """One place of an axis replaced."""
    x, source = call.plain_with_rows("self"), call.plain_with_rows("src")
    return f"torch.select_scatter({x}, {source}, {call['dim']}, {call.literal(call['index'])})"


@writes("einsum")
def einsum(call: Call) -> str:
    """A product that is told by the names of axes."""
    names = ", ".join(call.plain(value) for value in call.tensors("tensors"))
    return f"torch.einsum({call['equation']!r}, {names})"
