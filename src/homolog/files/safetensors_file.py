"""The safetensors format: eight bytes of header length, a JSON header, and the tensors, one after the other.

The header is parsed here, not by the library, because it must be checked first (the library reports less) and because
values are then read and replaced by position. Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import shutil
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homolog.errors import Unreadable, Unsupported, Usage
from homolog.files.checkpoint import Checkpoint, Format, Named
from homolog.files.edge import Stamp, reading, strict_json
from homolog.files.positions import read_at
from homolog.tensors import Array, TensorRef, dtype_of, width_of

if TYPE_CHECKING:
    import numpy as np

MAX_HEADER = 100_000_000  # the library's own limit
MAX_TENSORS = 100_000
MAX_RANK = 64
_DTYPES = {
    **{f"{kind}{bits}": f"{name}{bits}" for kind, name in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)},
    **{"F16": "float16", "F32": "float32", "F64": "float64", "BF16": "bfloat16", "BOOL": "bool"},
    **{"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu", "C64": "complex64"},
    **{"F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz"},
}


@dataclass(frozen=True)
class Entry:
    """One tensor of the header: where its bytes start in the file, and what they are."""

    start: int
    nbytes: int
    dtype: str
    shape: tuple[int, ...]


def open_safetensors(path: Path) -> Checkpoint:
    """Opens a safetensors file, its header checked against the file's length.

    Raises:
        Unreadable: it is truncated, its header is not sound, or the tensors overlap or leave holes.
        Unsupported: an element type that homolog does not know.
    """
    stamp = Stamp.of(path)
    header, start = _header(path, stamp.size)
    metadata = header.pop("__metadata__", None)
    if metadata is not None and not isinstance(metadata, dict):
        raise Unreadable("the metadata is not a mapping", where=str(path))
    entries = {name: _entry(path, name, value, start) for name, value in header.items()}
    _check_layout(path, entries, start, stamp.size)
    ordered = dict(sorted(entries.items(), key=lambda item: item[1].start))
    return Checkpoint(
        path,
        Format.SAFETENSORS,
        None,
        {name: _ref(stamp, name, entry) for name, entry in ordered.items()},
        lambda out, arrays, config: _rewrite(stamp, ordered, out, arrays),
        extras=(f"metadata ({', '.join(f'{key}' for key in metadata)})"[:200],) if metadata else (),
    )


def write_safetensors(out: Path, arrays: Named, metadata: Mapping[str, str] | None = None) -> None:
    """Writes a new safetensors file.

    Args:
        out: a path at which there is no file yet.
        arrays: names and values; all of them are held until the file is written, because its header comes first.
        metadata: kept in the header.
    """
    from safetensors.numpy import save_file

    # Its numpy writer takes the bytes as they lie and ignores strides.
    dense: dict[str, Any] = {}
    for name, array in arrays:
        if name in dense:
            raise Usage("two tensors of one name", where=name)
        dense[name] = array.copy(order="C")
    save_file(dense, out, metadata=None if metadata is None else dict(metadata))


def _header(path: Path, size: int) -> tuple[dict[str, Any], int]:
    with reading("the file cannot be read", str(path)), path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0]
        if length > min(MAX_HEADER, size - 8):
            raise Unreadable(
                "the header is longer than the file, or than any header",
                where=str(path),
                expected=f"at most {min(MAX_HEADER, size - 8):,} bytes",
                found=f"{length:,}",
            )
        raw = file.read(length)
        text = raw.decode("utf-8")
    # Before it is parsed, which takes many times its length: a brace for each tensor, and a few for the metadata.
    if raw.count(b"{") > 2 * MAX_TENSORS or raw.count(b",") > 20 * MAX_TENSORS:
        raise Unreadable(
            "the header has too many tensors",
            where=str(path),
            expected=f"at most {MAX_TENSORS:,}",
            found=f"{length:,} bytes",
        )
    header = strict_json(text, "the header is not sound JSON", str(path))
    if not isinstance(header, dict):
        raise Unreadable("the header is not a mapping", where=str(path))
    if len(header) > MAX_TENSORS:
        raise Unreadable("the header has too many tensors", where=str(path), found=f"{len(header):,}")
    return header, 8 + length


def _entry(path: Path, name: str, value: Any, start: int) -> Entry:
    where = f"{path}: {name[:200]!r}"
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise Unreadable("a header entry is not dtype, shape and data_offsets", where=where)
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if dtype not in _DTYPES if isinstance(dtype, str) else True:
        raise Unsupported(
            "a tensor has an element type that homolog does not know", where=where, found=f"{dtype!r:.80}"
        )
    if not (_counts(shape) and len(shape) <= MAX_RANK and _counts(offsets) and len(offsets) == 2):
        raise Unreadable("a header entry has no sound shape or offsets", where=where)
    entry = Entry(start + offsets[0], offsets[1] - offsets[0], _DTYPES[dtype], tuple(shape))
    expected = prod(shape) * width_of(entry.dtype)
    if entry.nbytes != expected:
        raise Unreadable(
            "a tensor's length does not fit its shape",
            where=where,
            expected=f"{expected:,} bytes for {dtype} {entry.shape}"[:200],
            found=f"{entry.nbytes:,}",
        )
    return entry


def _counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 63 for value in values)


def _check_layout(path: Path, entries: Mapping[str, Entry], start: int, size: int) -> None:
    end = start
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].nbytes)):
        if entry.start != end:
            kind = "overlap" if entry.start < end else "leave a hole"
            raise Unreadable(f"the tensors {kind}", where=f"{path}: {name[:200]!r}")
        end = entry.start + entry.nbytes
    if end != size:
        raise Unreadable(
            "the file is longer or shorter than its tensors",
            where=str(path),
            expected=f"{end:,} bytes",
            found=f"{size:,}",
        )


def _little(dtype: str) -> np.dtype[np.generic]:
    """The element as the file has it: always little-endian."""
    import numpy as np

    known = dtype_of(dtype)
    return known if sys.byteorder == "little" or known.itemsize == 1 else np.dtype(f"<u{known.itemsize}")


def _ref(stamp: Stamp, name: str, entry: Entry) -> TensorRef:
    def load() -> Array:
        stamp.check()
        values = read_at(stamp.path, entry.start, _little(entry.dtype), entry.shape, f"{stamp.path}: {name}")
        return _native(values, entry.dtype)

    return TensorRef(name, entry.shape, entry.dtype, load)


def _native(values: Array, dtype: str) -> Array:
    known = dtype_of(dtype)
    return values if values.dtype == known else values.astype(values.dtype.newbyteorder("=")).view(known)


def _rewrite(stamp: Stamp, entries: Mapping[str, Entry], out: Path, arrays: Named) -> None:
    stamp.check()
    shutil.copyfile(stamp.path, out)
    with out.open("r+b") as file:
        for name, array in arrays:
            entry = entries[name]
            stored = _little(entry.dtype)
            bits = array if stored == array.dtype else array.view(stored.newbyteorder("=")).astype(stored)
            file.seek(entry.start)
            file.write(bits.tobytes())
    stamp.check()
