"""A transposed array, copied into C order at nearly the speed of a plain copy.

Number by number, as numpy does it, every value of a transposed kernel comes from another line of memory, and the line
is gone from the cache before its next value is wanted. Here it is copied in strips that the cache can hold, by every
core (figures: ``python -m bench matching``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.generic]
Tile = tuple[int | slice, ...]

STRIP = 64
"""Columns that are copied at a time: as many lines of the source as stay in a core's cache (16 and 32 were slower)."""

BLOCK = 128
"""Numbers of the longest other axis that are copied at a time, so that what is written stays there too. Kernels hardly
mind; the rows of a dense kernel behind a flatten, on their way back, took 2.6 times as long at once (32, 64 and 256
were slower than this)."""

SHORT = 64
"""Positions of a kernel (5 x 5, 7 x 7) that are copied one after another rather than as an axis of their own: an inner
loop of nine numbers costs more to start than to run."""

SHARED = 1 << 21
"""Bytes from which an array is worth the start of a thread."""


def contiguous(array: Numbers) -> Numbers:
    """The array in C order: itself if it is so already."""
    if array.flags.c_contiguous or array.ndim < 2:
        return np.asarray(array, order="C")
    out = np.empty(array.shape, array.dtype)
    copy_into(out, array)
    return out


def copy_into(out: Numbers, array: Numbers) -> None:
    """Copy into an array of the same shape that lies in C order."""
    last = None if array.flags.c_contiguous else _last_long_axis(array.shape)
    if last is None:
        out[...] = array
    else:
        _copy(array, out, last)


def _last_long_axis(shape: tuple[int, ...]) -> int | None:
    """The axis to cut into strips: the last of a strip or more, if few positions lie behind it."""
    for axis in reversed(range(len(shape))):
        if shape[axis] >= STRIP:
            return axis if prod(shape[axis + 1 :]) <= SHORT else None
    return None


def _copy(array: Numbers, out: Numbers, axis: int) -> None:
    """Copy tile by tile, each core its share of the strips."""

    def share(start: int, stop: int) -> None:
        for tile in _tiles(array.shape, axis, start, stop):
            out[tile] = array[tile]

    length = array.shape[axis]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores, length // STRIP) if array.nbytes >= SHARED else 1
    if workers == 1:
        share(0, length)
        return
    width = -(-length // (workers * STRIP)) * STRIP
    starts = range(0, length, width)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(share, starts, (min(start + width, length) for start in starts)))


def _tiles(shape: tuple[int, ...], axis: int, start: int, stop: int) -> Iterator[Tile]:
    """The strips of one share, each in blocks of the longest axis in front, and once for every position of the short
    axes behind."""
    longest = max(range(axis), key=shape.__getitem__, default=None)
    before = [[slice(None)] if place != longest else _cut(0, shape[place], BLOCK) for place in range(axis)]
    behind = [range(length) for length in shape[axis + 1 :]]
    for strip in _cut(start, stop, STRIP):
        for block in product(*before):
            for position in product(*behind):
                yield (*block, strip, *position)


def _cut(start: int, stop: int, length: int) -> list[slice]:
    return [slice(first, min(first + length, stop)) for first in range(start, stop, length)]
