"""Transforms as plans write them, read back."""

from __future__ import annotations

import re
from collections.abc import Callable

from homolog.transforms.arithmetic import Fill, Less, Sum, Times
from homolog.transforms.axes import Axes, groups
from homolog.transforms.parts import Blocks, Concat, Each, Part, Split
from homolog.transforms.transform import Chain, Transform

_SIDE = re.compile(r"(\w+|\(\w+( \w+)*\))( (\w+|\(\w+( \w+)*\)))*")
_NUMBERS = r"(-?\d+(?: -?\d+)*)"
_FORMS: tuple[tuple[str, Callable[..., Transform]], ...] = (
    (r"part (\d+):(\d+) of axis (\d+)", lambda start, stop, axis: Part(int(axis), int(start), int(stop))),
    (rf"concat {_NUMBERS} along axis (\d+)", lambda lengths, axis: Concat(int(axis), _ints(lengths))),
    (rf"split {_NUMBERS} along axis (\d+)", lambda lengths, axis: Split(int(axis), _ints(lengths))),
    (rf"blocks {_NUMBERS} of axis (\d+)", lambda order, axis: Blocks(int(axis), _ints(order))),
    (rf"fill (\S+) (\w+)(?: {_NUMBERS})?", lambda value, dtype, shape: Fill(float(value), _ints(shape or ""), dtype)),
    (r"sum", Sum),
    (r"less", Less),
    (r"times", Times),
)


def parse_transform(text: str) -> Transform:
    """The transform that a plan writes as this text, e.g. ``out (c h w) -> (h w c) out, c=16, h=5, w=5``.

    Raises:
        ValueError: it is none.
    """
    for form, make in _FORMS:
        found = re.fullmatch(form, text)
        if found:
            return make(*found.groups())
    if text.startswith("each "):
        return Each(tuple(parse_chain(chain) for chain in re.findall(r"\[([^\[\]]*)\]", text)))
    return _axes(text)


def parse_chain(text: str) -> Chain:
    """Several transforms, as ``chain_text`` writes them."""
    return tuple(parse_transform(part) for part in text.split("; ") if part)


def _axes(text: str) -> Axes:
    pattern, *sizes = text.split(", ")
    sides = pattern.split(" -> ")
    if len(sides) != 2 or not all(_SIDE.fullmatch(side) for side in sides):
        raise ValueError(f"no transform: {text!r}")
    before, after = ([name for group in groups(side) for name in group] for side in sides)
    if sorted(before) != sorted(after) or len(set(before)) != len(before):
        raise ValueError(f"a transform has each axis once on either side: {text!r}")
    pairs = (size.split("=") for size in sizes)
    return Axes(pattern, tuple((name, int(length)) for name, length in pairs))


def _ints(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split())
