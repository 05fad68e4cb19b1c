"""CRC-32C (Castagnoli), which TensorFlow writes beside every tensor and which Python has not.

A checksum of a piece of bytes depends linearly on its bits, so many pieces are taken through the table at once, two
bytes of each in a step, and then joined: numpy does in 8192 lanes what a loop would do in one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_LANES, _LONG = 1 << 13, 1 << 16  # pieces at once; below so many bytes a plain loop is as good
_Words = NDArray[np.uint32]


def _table() -> _Words:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table.astype(np.uint32)


_TABLE = _table()
_LIST = [int(word) for word in _TABLE]
_low = np.arange(1 << 16, dtype=np.uint32)
_low = _TABLE[_low & 0xFF] ^ (_low >> np.uint32(8))
_PAIRS: _Words = _TABLE[_low & 0xFF] ^ (_low >> np.uint32(8))  # two bytes in one step


def crc32c(pieces: Iterable[bytes | memoryview]) -> int:
    """The checksum of the pieces, one behind the other."""
    crc = 0xFFFFFFFF
    for piece in pieces:
        crc = _extended(crc, np.frombuffer(piece, np.uint8))
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """As it is stored: a checksum of data that has checksums in it would be a poor one."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _extended(crc: int, data: NDArray[np.uint8]) -> int:
    if len(data) >= _LONG:
        length = len(data) // _LANES // 2 * 2
        lanes = data[: length * _LANES].reshape(_LANES, length)
        state = np.zeros(_LANES, np.uint32)
        for column in np.ascontiguousarray(lanes.view("<u2").T):
            state = np.take(_PAIRS, (state ^ column) & np.uint32(0xFFFF)) ^ (state >> np.uint32(16))
        crc = _shifted(crc, length * _LANES) ^ _joined(state, length)
        data = data[length * _LANES :]
    for byte in data.tobytes():
        crc = _LIST[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc


def _joined(state: _Words, length: int) -> int:
    """The state behind all lanes: each is taken through the zeros of those behind it, in pairs of growing lengths."""
    while len(state) > 1:
        state = _through(_zeros(length), state[0::2]) ^ state[1::2]
        length *= 2
    return int(state[0])


def _shifted(crc: int, length: int) -> int:
    return int(_through(_zeros(length), np.array([crc], np.uint32))[0])


def _zeros(length: int) -> _Words:
    """What so many zero bytes do to a state, as the images of its 32 bits."""
    step = np.array([1 << bit for bit in range(32)], np.uint32)
    step = _TABLE[step & np.uint32(0xFF)] ^ (step >> np.uint32(8))
    result = np.array([1 << bit for bit in range(32)], np.uint32)
    while length:
        if length & 1:
            result = _through(step, result)
        step = _through(step, step)
        length >>= 1
    return result


def _through(images: _Words, state: _Words) -> _Words:
    found = np.zeros_like(state)
    for bit in range(32):
        found ^= np.where(state >> np.uint32(bit) & 1, images[bit], np.uint32(0))
    return found
