"""The wire format of protocol buffers, read a field at a time, so that what is large is only passed by.

Format: https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from homolog.errors import Unreadable

MAX_FIELDS = 5_000_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class Message:
    """A stretch of a file that is a message, or the bytes of a field."""

    file: BinaryIO
    start: int
    end: int
    where: str

    def fields(self) -> Iterator[tuple[int, int | Message]]:
        """The number and value of each field: integers and fixed words as they are, all else where it stands.

        Raises:
            Unreadable: the message is damaged.
        """
        at = self.start
        for _ in range(MAX_FIELDS):
            if at >= self.end:
                return
            tag, at = self._varint(at)
            number, kind = tag >> 3, tag & 7
            value: int | Message
            if kind == _VARINT:
                value, at = self._varint(at)
            elif kind == _BYTES:
                length, at = self._varint(at)
                value, at = Message(self.file, at, at + length, self.where), at + length
            elif kind in (_FIXED64, _FIXED32):
                width = 8 if kind == _FIXED64 else 4
                value, at = int.from_bytes(self._read(at, width), "little"), at + width
            else:
                raise self._damaged()
            if not number or at > self.end:
                raise self._damaged()
            yield number, value
        raise Unreadable("a message has too many fields", where=self.where)

    def content(self, cap: int = 1 << 20) -> bytes:
        """The bytes themselves, of which there are at most so many."""
        if self.end - self.start > cap:
            raise Unreadable("a field is too large", where=self.where, found=f"{self.end - self.start:,} bytes")
        return self._read(self.start, self.end - self.start)

    def text(self, cap: int = 1 << 16) -> str:
        """The bytes as a text."""
        return self.content(cap).decode("utf-8", "replace")

    def integers(self, cap: int = 1 << 10) -> tuple[int, ...]:
        """A packed field of integers."""
        found: list[int] = []
        at = self.start
        while at < self.end and len(found) < cap:
            value, at = self._varint(at)
            found.append(value)
        return tuple(found)

    def _varint(self, at: int) -> tuple[int, int]:
        value = 0
        for position, byte in enumerate(self._read(at, min(10, self.end - at))):
            value |= (byte & 0x7F) << 7 * position
            if byte < 0x80:
                return value, at + position + 1
        raise self._damaged()

    def _read(self, at: int, size: int) -> bytes:
        self.file.seek(at)
        data = self.file.read(size)
        if len(data) != size:
            raise self._damaged()
        return data

    def _damaged(self) -> Unreadable:
        return Unreadable("a message of protocol buffers is damaged", where=self.where)


def signed(value: int) -> int:
    """An int64 as a varint carries it."""
    return int(struct.unpack("<q", struct.pack("<Q", value & (1 << 64) - 1))[0])
