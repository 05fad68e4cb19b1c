"""One chain of transforms behind another."""

from __future__ import annotations

from collections.abc import Sequence

from homolog.transforms.axes import Axes
from homolog.transforms.transform import Chain, Transform


def joined(first: Sequence[Transform], second: Sequence[Transform]) -> Chain:
    """One chain after another, in as few steps as it takes: neighbours that undo each other are left out, and so are
    identities; two rearrangements that meet in one layout become one."""
    result: list[Transform] = []
    for transform in (*first, *second):
        last = result.pop() if result else None
        if isinstance(last, Axes) and isinstance(transform, Axes):
            result += _met(last, transform)
        elif last is not None and last.lossless and last.inverse == transform:
            continue
        else:
            result += [transform] if last is None else [last, transform]
        if result and result[-1].is_identity:
            result.pop()
    return tuple(result)


def _met(first: Axes, second: Axes) -> tuple[Axes, ...]:
    """Two rearrangements as one, where the second begins in the very words in which the first ends."""
    start, middle = first.pattern.split(" -> ")
    other, end = second.pattern.split(" -> ")
    sizes = {**dict(first.sizes), **dict(second.sizes)}
    if middle != other or sizes != {**dict(second.sizes), **dict(first.sizes)}:
        return (first, second)
    return (Axes(f"{start} -> {end}", tuple(sorted(sizes.items()))),)
