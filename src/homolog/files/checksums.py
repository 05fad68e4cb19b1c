"""CRC-32 of large stretches of a file, on all cores: the checksum takes longer than reading the bytes.

It is summed by Intel's library for storage, several times as fast as zlib, which lets other threads run meanwhile: a
stretch is read and summed in pieces at once. The checksum of two pieces follows from theirs, since it depends linearly
on the bits: so many zeros behind a piece change it by a fixed matrix.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from homolog.errors import Unreadable
from homolog.files.edge import reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PIECE = 1 << 22  # bytes; below, a thread costs more than it saves
_CACHED = 1 << 18  # bytes that are still at hand when they are summed
_POLYNOMIAL = 0xEDB88320
_Matrix = tuple[int, ...]


def read_summed(path: Path, start: int, size: int) -> tuple[NDArray[np.uint8], int]:
    """The bytes of a stretch of a file, and their CRC-32.

    Raises:
        Unreadable: the file ends before the stretch does.
    """
    import numpy as np

    values = np.empty(size, np.uint8)
    return values, _summed(path, start, size, values)


def crc_of(path: Path, start: int, size: int) -> int:
    """The CRC-32 of a stretch of a file, of which no more than a few pieces are held.

    Raises:
        Unreadable: the file ends before the stretch does.
    """
    return _summed(path, start, size, None)


def _summed(path: Path, start: int, size: int, into: NDArray[np.uint8] | None) -> int:
    import numpy as np
    from isal.isal_zlib import crc32

    def piece(at: int) -> tuple[int, int]:
        length = min(PIECE, size - at)
        held = np.empty(length, np.uint8) if into is None else into[at : at + length]
        with reading("the file cannot be read", str(path)), path.open("rb", 0) as file:
            file.seek(start + at)
            crc = 0
            for begin in range(0, length, _CACHED):
                part = held[begin : begin + _CACHED].data
                if file.readinto(part) != len(part):
                    raise Unreadable("a file ended while it was being read", where=str(path))
                crc = crc32(part, crc)
        return crc, length

    places = range(0, size, PIECE)
    if len(places) < 2:
        return piece(0)[0] if size else 0

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(places), os.cpu_count() or 1)) as threads:
        crc = 0
        for found, length in threads.map(piece, places):
            crc = _times(_zeros(length), crc) ^ found
    return crc


@lru_cache(maxsize=256)
def _zeros(length: int) -> _Matrix:
    """What so many zero bytes behind a piece do to its checksum, as the images of the 32 bits."""
    step: _Matrix = (_POLYNOMIAL, *(1 << bit for bit in range(31)))  # one bit of zero
    for _ in range(3):
        step = _squared(step)
    result: _Matrix = tuple(1 << bit for bit in range(32))
    while length:
        if length & 1:
            result = tuple(_times(step, image) for image in result)
        step = _squared(step)
        length >>= 1
    return result


def _squared(matrix: _Matrix) -> _Matrix:
    return tuple(_times(matrix, image) for image in matrix)


def _times(matrix: _Matrix, bits: int) -> int:
    found, at = 0, 0
    while bits:
        if bits & 1:
            found ^= matrix[at]
        bits, at = bits >> 1, at + 1
    return found
