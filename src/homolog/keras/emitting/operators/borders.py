"""Operators that put values around others, or cut them off."""

from __future__ import annotations

from typing import cast

from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.padding import explicit
from homolog.keras.emitting.registry import writes
from homolog.passes.ways import channels_last
from homolog.rules.conv import Pads

MODES = {"reflection": "reflect", "replication": "replicate", "_pad_circular": "circular"}
"""By how the operators' names begin that have but one."""


@writes(
    *("pad", "constant_pad_nd", "_pad_circular", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d"),
    *("replication_pad1d", "replication_pad2d", "replication_pad3d"),
)
def pad(call: Call) -> str:
    """Around the last axes: a number, or what stands inside, mirrored, repeated or from the other end."""
    widths, mode = _widths(call), _mode(call)
    x = call.x()
    if any(min(pair) < 0 for pair in widths):
        if mode != "constant":
            raise call.refusal(f"mode={mode!r} with less than nothing added")
        x = call.let(cut(x, [(max(-before, 0), max(-after, 0)) for before, after in widths]))
        widths = tuple((max(before, 0), max(after, 0)) for before, after in widths)
    if not any(map(any, widths)):
        return x
    if mode == "constant":
        value = float(call["value"] or 0)
        if not value and _is_spatial(call, widths):
            return explicit(x, widths[1:-1])
        number = bool(value) if call.out_dtype == "bool" else value
        return f"ops.pad({x}, {widths!r}{f', constant_values={call.literal(number)}' if value else ''})"
    if mode == "reflect":
        return f'ops.pad({x}, {widths!r}, mode="reflect")'
    return _bordered(call, x, widths, repeats=mode == "replicate")


def cut(x: str, amounts: list[tuple[int, int]]) -> str:
    """Without so many places in front and behind along each axis."""
    parts = [f"{before or ''}:{-after if after else ''}" for before, after in amounts]
    while parts and parts[-1] == ":":
        parts.pop()
    return f"{x}[{', '.join(parts)}]" if parts else x


def _mode(call: Call) -> str:
    own = next((mode for start, mode in MODES.items() if call.step.operator.startswith(start)), None)
    return own or cast(str, call["mode"] or "constant")


def _widths(call: Call) -> Pads:
    """How much is added in front of and behind each axis, as they lie; PyTorch counts from the last axis."""
    amounts = cast(list[int], call["pad"] if call["pad"] is not None else call["padding"])
    rank = call.rank("self")
    by_axis = [(0, 0)] * rank
    for place in range(len(amounts) // 2):
        by_axis[rank - 1 - place] = (amounts[2 * place], amounts[2 * place + 1])
    return tuple(by_axis[cast(int, axis)] for axis in call.order_of("self"))


def _is_spatial(call: Call, widths: Pads) -> bool:
    """Whether it is the spatial axes of a map alone, as Keras's layers have them."""
    rank = len(widths)
    return 3 <= rank <= 5 and call.order == channels_last(rank) and not any((*widths[0], *widths[-1]))


def _bordered(call: Call, x: str, widths: Pads, *, repeats: bool) -> str:
    """What ``ops.pad`` has no word for on every backend: axis by axis, by what is put in front and behind."""
    for axis, (before, after) in enumerate(widths):
        if not before and not after:
            continue
        lead = ":, " * axis
        first, last = (":1", "-1:") if repeats else (f"-{before}:", f":{after}")
        front, behind = (f"{x}[{lead}{first}]", before), (f"{x}[{lead}{last}]", after)
        ends = [
            f"ops.repeat({part}, {count}, axis={axis})" if repeats and count > 1 else part
            for part, count in (front, behind)
        ]
        joined = ", ".join([*(ends[:1] if before else []), x, *(ends[1:] if after else [])])
        x = call.let(f"ops.concatenate([{joined}], axis={axis})")
    return x
