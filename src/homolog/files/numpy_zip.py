"""NumPy's ``.npz``: a zip with one ``.npy`` for each array. An array of objects, which is a pickle, is refused."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from homolog.errors import Unreadable, Unsafe
from homolog.files.archives import Archive
from homolog.files.checkpoint import Checkpoint, Format, read_only
from homolog.files.edge import reading
from homolog.files.positions import read_at
from homolog.tensors import WIDTHS, Array, TensorRef

_HEAD = 10_000  # bytes; the header of an array whose elements are numbers takes a hundred
_HEADER = re.compile(
    r"\{'descr': (?P<descr>.+?), 'fortran_order': (?P<fortran>True|False), 'shape': \((?P<shape>[\dL, ]*)\),? *\} *\n?"
)
_NUMBER = re.compile(r"'(?P<code>[<>|=]?(?P<kind>[biufc])(?P<width>\d{1,2}))'")
_KINDS = {"i": "int", "u": "uint", "f": "float", "c": "complex"}


def is_numpy(archive: Archive) -> bool:
    """Whether all that an archive holds is arrays."""
    return bool(archive.members) and all(name.endswith(".npy") for name in archive.members)


def open_numpy(path: Path, archive: Archive) -> Checkpoint:
    """Opens an ``.npz``: the head of each member, and no values.

    Raises:
        Unreadable: a header is not sound, or its array longer or shorter than the member.
        Unsafe: an array of objects, which only unpickling would read.
    """
    refs = (_ref(archive, member) for member in archive.members)
    return Checkpoint(path, Format.NUMPY, None, {ref.name: ref for ref in refs}, read_only(path, Format.NUMPY))


def _ref(archive: Archive, member: str) -> TensorRef:
    where = f"{archive.path}: {member}"
    dtype, code, fortran, shape, start = _header(archive.head(member, _HEAD), where)
    load = partial(_read, archive, member, start, code, shape, fortran)
    ref = TensorRef(member.removesuffix(".npy"), shape, dtype, load)
    found = archive.members[member].size - start
    if found != ref.nbytes:
        raise Unreadable(
            "an array is not as long as its header says",
            where=where,
            expected=f"{ref.nbytes:,} bytes",
            found=f"{found:,}",
        )
    return ref


def _header(head: bytes, where: str) -> tuple[str, str, bool, tuple[int, ...], int]:
    """Element by its name and as stored, order, shape, and where the values start: numpy evaluates this to read it."""
    width = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4, b"\x93NUMPY\x03\x00": 4}.get(head[:8])
    start = 8 + width + int.from_bytes(head[8 : 8 + width], "little") if width else 0
    text = head[8 + width : start].decode("latin-1") if width else ""
    told = _HEADER.fullmatch(text)
    if told is None or start > len(head):
        raise Unreadable("the header of an array is not sound", where=where, found=repr(head[:80]))
    if "O" in told["descr"]:
        raise Unsafe("an array of objects is a pickle, which runs code when loaded; it was not", where=where)
    number = _NUMBER.fullmatch(told["descr"])
    dtype = "" if number is None else _name(number["kind"], int(number["width"]))
    if number is None or dtype not in WIDTHS:
        raise Unreadable("an array's elements are not numbers", where=where, found=told["descr"][:80])
    with reading("the header of an array is not sound", where):
        shape = tuple(int(length.strip(" L")) for length in told["shape"].split(",") if length.strip())
    if len(shape) > 32:
        raise Unreadable("the header of an array is not sound", where=where, found=f"{len(shape)} axes")
    return dtype, number["code"], told["fortran"] == "True", shape, start


def _name(kind: str, width: int) -> str:
    """numpy's name of an element of a kind and so many bytes."""
    return f"{_KINDS[kind]}{8 * width}" if kind in _KINDS else "bool" if width == 1 else ""


def _read(archive: Archive, member: str, start: int, code: str, shape: tuple[int, ...], fortran: bool) -> Array:
    import numpy as np

    dtype = np.dtype(code)
    where = f"{archive.path}: {member}"
    order = shape[::-1] if fortran else shape
    if archive.member(member).deflated:
        values = np.frombuffer(archive.read(member), dtype, offset=start).reshape(order)
    else:
        archive.verify(member)
        with archive.file() as file:
            begin = archive.start(file, archive.member(member))
        values = read_at(archive.path, begin + start, dtype, order, where)
    return (values.T if fortran else values).astype(dtype.newbyteorder("="), copy=False)
