"""Where a stretch of an axis begins and ends, said from the axis's own end where its length is open.

``x[:, :n - 1]`` is exported with ``n - 1`` as a number of the inputs' lengths. Whether that is all of the axis, or all
but one, only the lengths themselves tell; what is left of them in a trace is that they are open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homolog.pytorch.entries import is_open


def stretched(entry: Any, operator: str, arguments: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A slice, or a narrowing as one, whose end is None where it is the axis's, and counts from there where it lies a
    known number of places in front of it; any other operator as it is."""
    if operator not in ("slice", "narrow"):
        return operator, arguments
    source = next(iter(arguments.values()))
    length = source.meta["val"].shape[arguments.get("dim") or 0]
    start, end = arguments.get("start"), arguments.get("end")
    if operator == "narrow":
        end = _number(start) + _number(arguments["length"])
    if is_open(length):
        first, last = _apart(start, length), _apart(end, length)
        start = first if first is not None and first < 0 else start
        end = end if last is None else None if last >= 0 else last
    rest = {name: value for name, value in arguments.items() if name != "length"}
    return "slice", {**rest, "start": start, "end": end, "step": arguments.get("step", 1)}


def _apart(place: Any, length: Any) -> int | None:
    """How far behind the end of an axis a place lies, below 0 in front of it; None if that depends on the length."""
    number = _number(place)
    if not is_open(number):
        return None
    apart = number.node.expr - length.node.expr
    return int(apart) if apart.is_number else None


def _number(place: Any) -> Any:
    """What an entry of the graph stands for; the beginning, where there is none."""
    return 0 if place is None else place.meta["val"] if hasattr(place, "meta") else place
