"""What Flax's ``to_bytes`` writes: a tree of arrays in MessagePack, read as data.

Format: https://github.com/msgpack/msgpack/blob/master/spec.md, and flax/serialization.py for arrays.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from homolog.errors import Unreadable
from homolog.files.checkpoint import Checkpoint, Format, read_only
from homolog.files.edge import Stamp, reading
from homolog.files.positions import read_into
from homolog.tensors import Array, TensorRef, dtype_of, width_of

MAX_DEPTH = 100
MAX_VALUES = 2_000_000
MAX_TEXT = 1 << 16
_ARRAY, _SCALAR = 1, 3
_ELEMENT = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)|complex(64|128)|bfloat16|float8_\w{4,20}")
_CHUNKED = "__msgpack_chunked_array__"
# The code of a value → how its length, or the value itself, is written behind it.
_LENGTHS = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_NUMBERS = dict(zip(range(0xCA, 0xD4), (">f", ">d", ">B", ">H", ">I", ">Q", ">b", ">h", ">i", ">q"), strict=True))
_MANY = {0xDC: ">H", 0xDD: ">I", 0xDE: ">H", 0xDF: ">I"}
_EXTENSIONS = {0xC7: ">B", 0xC8: ">H", 0xC9: ">I"}


@dataclass(frozen=True)
class Stored:
    """An array where it stands in the file: in one piece, or above 1 GB in several.

    Attributes:
        pieces: where each starts, and how many elements it holds.
        shape: of the whole.
        dtype: numpy's name of the element.
    """

    pieces: tuple[tuple[int, int], ...]
    shape: tuple[int, ...]
    dtype: str


def open_flax(path: Path) -> Checkpoint:
    """Opens a file of Flax: the tree with the places of its arrays.

    Raises:
        Unreadable: it is damaged, nested without end, or holds no arrays.
    """
    stamp = Stamp.of(path)
    with reading("a MessagePack file is damaged", str(path)), path.open("rb") as file:
        root = _Reader(file, 0, stamp.size, str(path)).root()
    found = dict(_arrays(root, "", str(path)))
    if not found:
        raise Unreadable(
            "the file is in no format that homolog reads", where=str(path), found="MessagePack without arrays"
        )
    refs = {
        name: TensorRef(name, held.shape, held.dtype, partial(_read, stamp, held, name)) for name, held in found.items()
    }
    return Checkpoint(path, Format.FLAX, None, refs, read_only(path, Format.FLAX))


def _read(stamp: Stamp, held: Stored, name: str) -> Array:
    import numpy as np

    stamp.check()
    values = np.empty(prod(held.shape), dtype_of(held.dtype))
    at = 0
    for start, count in held.pieces:
        read_into(stamp.path, start, values[at : at + count], f"{stamp.path}: {name}")
        at += count
    return values.reshape(held.shape)


def _arrays(root: Any, name: str, where: str) -> Iterator[tuple[str, Stored]]:
    if isinstance(root, Stored):
        yield name, root
    elif isinstance(root, dict):
        if _CHUNKED in root:
            yield name, _joined(root, f"{where}: {name}")
            return
        for key, value in root.items():
            yield from _arrays(value, f"{name}/{key}" if name else str(key), where)


def _joined(told: dict[Any, Any], where: str) -> Stored:
    """The array that a mapping stands for: its shape, and its elements in pieces, both numbered from 0."""
    shape, pieces = _listed(told.get("shape")), _listed(told.get("chunks"))
    if not _is_shape(shape) or not all(isinstance(piece, Stored) and len(piece.shape) == 1 for piece in pieces):
        raise Unreadable("an array in pieces is not a shape and its elements", where=where)
    dtypes = {piece.dtype for piece in pieces}
    if len(dtypes) != 1 or prod(shape) != sum(prod(piece.shape) for piece in pieces):
        raise Unreadable("the pieces of an array are not as long as its shape says, or not alike", where=where)
    return Stored(tuple(part for piece in pieces for part in piece.pieces), tuple(shape), dtypes.pop())


def _listed(told: Any) -> list[Any]:
    """What Flax writes for a list: a mapping from ``"0"``, ``"1"`` …; nothing for whatever else."""
    names = [str(index) for index in range(len(told))] if isinstance(told, dict) else []
    return [told[name] for name in names] if all(name in told for name in names) else []


def _is_shape(told: Any) -> bool:
    return isinstance(told, list) and len(told) <= 64 and all(type(length) is int and length >= 0 for length in told)


class _Reader:
    """A cursor over a stretch of the file."""

    def __init__(self, file: BinaryIO, at: int, end: int, where: str) -> None:
        self.file, self.at, self.end, self.where = file, at, end, where
        self.left = MAX_VALUES

    def root(self) -> Any:
        """The one value that a file is."""
        value = self.value(0)
        if self.at != self.end:
            raise Unreadable("a MessagePack file goes on behind its value", where=self.where)
        return value

    def value(self, depth: int) -> Any:
        """The next value: arrays where they stand, of texts and numbers the value, None for what is passed by."""
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            raise Unreadable("a MessagePack file is nested without end, or has too many values", where=self.where)
        code = self.number(">B")
        if code <= 0x7F or code >= 0xE0:
            return code if code <= 0x7F else code - 0x100
        if code <= 0x8F or code in (0xDE, 0xDF):
            count = self.number(_MANY[code]) if code > 0x8F else code & 0x0F
            return self.mapping(count, depth)
        if code <= 0x9F or code in (0xDC, 0xDD):
            count = self.number(_MANY[code]) if code > 0x9F else code & 0x0F
            return [self.value(depth + 1) for _ in range(self.fits(count))]
        if code <= 0xBF:
            return self.text(code & 0x1F)
        if code in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[code]
        if code in _NUMBERS:
            return self.number(_NUMBERS[code])
        if code in _LENGTHS:
            length = self.number(_LENGTHS[code])
            return self.text(length) if code >= 0xD9 else self.passed(length)
        if code in _EXTENSIONS or 0xD4 <= code <= 0xD8:
            length = self.number(_EXTENSIONS[code]) if code in _EXTENSIONS else 1 << code - 0xD4
            return self.extension(self.number(">b"), length, depth)
        raise Unreadable("a MessagePack file is damaged", where=self.where, found=f"code {code:#x}")

    def mapping(self, count: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in range(self.fits(count)):
            key = self.value(depth + 1)
            if not isinstance(key, str | int) or key in found:
                raise Unreadable("a MessagePack file names something twice, or by no name", where=self.where)
            found[key] = self.value(depth + 1)
        return found

    def extension(self, kind: int, length: int, depth: int) -> Any:
        """An array is a MessagePack of its own: its shape, the name of its element, and its bytes."""
        start = self.at
        self.passed(length)
        if kind not in (_ARRAY, _SCALAR):
            return None
        inner = _Reader(self.file, start, start + length, self.where)
        if inner.number(">B") != 0x93:
            raise Unreadable("an array is not a shape, an element and bytes", where=self.where)
        shape, dtype, code = inner.value(depth + 1), inner.value(depth + 1), inner.number(">B")
        if not _is_shape(shape) or not isinstance(dtype, str) or code not in (0xC4, 0xC5, 0xC6):
            raise Unreadable("an array is not a shape, an element and bytes", where=self.where)
        size = inner.number(_LENGTHS[code])
        if _ELEMENT.fullmatch(dtype) is None:  # numpy would take a name apart that is none
            raise Unreadable("an array's elements are not numbers", where=self.where, found=dtype[:80])
        if prod(shape) * width_of(dtype) != size or inner.at + size != inner.end:
            raise Unreadable("an array is not as long as its shape says", where=self.where, found=f"{size:,} bytes")
        return Stored(((inner.at, prod(shape)),), tuple(shape), dtype)

    def number(self, code: str) -> Any:
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def text(self, length: int) -> str:
        if length > MAX_TEXT:
            raise Unreadable("a text is too long", where=self.where, found=f"{length:,} bytes")
        return self.take(length).decode("utf-8", "replace")

    def take(self, length: int) -> bytes:
        if self.at + length > self.end:
            raise Unreadable("a MessagePack file ends in the middle", where=self.where)
        self.file.seek(self.at)
        data = self.file.read(length)
        if len(data) != length:
            raise Unreadable("a MessagePack file ends in the middle", where=self.where)
        self.at += length
        return data

    def passed(self, length: int) -> None:
        if self.at + length > self.end:
            raise Unreadable("a MessagePack file ends in the middle", where=self.where)
        self.at += length

    def fits(self, count: int) -> int:
        """A number of values that the rest of the file has room for."""
        if count > self.end - self.at:
            raise Unreadable("a MessagePack file claims more values than it has bytes", where=self.where)
        return count
