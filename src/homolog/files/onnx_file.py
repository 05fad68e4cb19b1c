"""The initialisers of an ONNX model: its weights, read as data. The graph itself is not read.

Format: onnx/onnx.proto, ModelProto, GraphProto and TensorProto.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from homolog.errors import Unreadable, Unsafe, Unsupported
from homolog.files.checkpoint import Checkpoint, Format, read_only
from homolog.files.edge import Stamp, reading
from homolog.files.positions import read_at
from homolog.files.protobuf import Message, signed
from homolog.tensors import Array, TensorRef, dtype_of, width_of

if TYPE_CHECKING:
    import numpy as np

_DTYPES = {
    **{1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16"},
    **{11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16"},
    **{17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz"},
}
_GRAPH, _PRODUCER, _NODE, _INITIALIZER, _SPARSE = 7, 2, 1, 5, 15
_DIMS, _KIND, _NAME, _RAW, _EXTERNAL = 1, 2, 8, 9, 13
_PLAIN = {4: "float32", 5: "int32", 7: "int64", 10: "float64", 11: "uint64"}
_FIXED = {4, 10}  # the others are packed as integers of any length


@dataclass
class _Tensor:
    """A TensorProto, its values not read."""

    name: str = ""
    kind: int = 0
    shape: list[int] = field(default_factory=list)
    raw: Message | None = None
    plain: tuple[int, Message] | None = None
    external: dict[str, str] = field(default_factory=dict)


def open_onnx(path: Path) -> Checkpoint:
    """Opens an ONNX model: the names, shapes and places of its initialisers.

    Raises:
        Unreadable: it is damaged, or no ONNX model.
        Unsafe: values are in a file outside its folder.
        Unsupported: sparse initialisers, or elements that homolog does not know.
    """
    stamp = Stamp.of(path)
    refs: dict[str, TensorRef] = {}
    nodes = 0
    with reading("the file cannot be read", str(path)), path.open("rb") as file:
        model = dict(Message(file, 0, stamp.size, str(path)).fields())
        graph = model.get(_GRAPH)
        if not isinstance(graph, Message):
            raise Unreadable("the file is in no format that homolog reads", where=str(path), found="no graph of ONNX")
        for number, value in graph.fields():
            nodes += number == _NODE
            if number == _SPARSE:
                raise Unsupported("an initialiser is sparse", where=str(path))
            if number == _INITIALIZER and isinstance(value, Message):
                ref = _ref(stamp, file, _tensor(value))
                if not ref.name or ref.name in refs:
                    raise Unreadable(
                        "two initialisers have one name, or one has none", where=f"{path}: {ref.name!r:.200}"
                    )
                refs[ref.name] = ref
    return Checkpoint(
        path, Format.ONNX, None, refs, read_only(path, Format.ONNX), extras=(f"a graph of {nodes:,} operators",)
    )


def _tensor(message: Message) -> _Tensor:
    made = _Tensor()
    for number, value in message.fields():
        if number == _DIMS:
            made.shape += [value] if isinstance(value, int) else value.integers(65)
        elif number == _KIND and isinstance(value, int):
            made.kind = value
        elif isinstance(value, Message):
            if number == _NAME:
                made.name = value.text()
            elif number == _RAW:
                made.raw = value
            elif number in _PLAIN:
                made.plain = (number, value)
            elif number == _EXTERNAL:
                told = {at: inner.text() for at, inner in value.fields() if isinstance(inner, Message)}
                made.external[told.get(1, "")] = told.get(2, "")
    return made


def _ref(stamp: Stamp, file: BinaryIO, tensor: _Tensor) -> TensorRef:
    where = f"{stamp.path}: {tensor.name[:200]}"
    shape = tuple(signed(length) for length in tensor.shape)
    if tensor.kind not in _DTYPES:
        raise Unsupported(
            "a tensor has an element type that homolog does not know", where=where, found=str(tensor.kind)
        )
    if len(shape) > 64 or min(shape, default=0) < 0:
        raise Unreadable("a tensor has no sound shape", where=where, found=f"{shape}"[:200])
    dtype = _DTYPES[tensor.kind]
    nbytes = prod(shape) * width_of(dtype)
    if tensor.external:
        held, start, found = _outside(stamp, tensor.external, nbytes, where)
    elif tensor.raw is not None:
        held, start, found = stamp, tensor.raw.start, tensor.raw.end - tensor.raw.start
    elif tensor.plain is not None:
        number, message = tensor.plain
        wide = _PLAIN[number]
        if number in _FIXED and wide == dtype:
            held, start, found = stamp, message.start, message.end - message.start
        else:
            # Elements of up to ten bytes each: so many that what they stand for cannot be far more.
            values = _integers(message, dtype_of(dtype), dtype_of(wide), prod(shape), where).reshape(shape)
            return TensorRef(tensor.name, shape, dtype, lambda: values)
    else:
        held, start, found = stamp, 0, 0
    if found != nbytes:
        raise Unreadable(
            "a tensor's length does not fit its shape",
            where=where,
            expected=f"{nbytes:,} bytes for {dtype} {shape}"[:200],
            found=f"{found:,}",
        )
    return TensorRef(tensor.name, shape, dtype, partial(_read, held, start, dtype, shape, where))


def _read(stamp: Stamp, start: int, dtype: str, shape: tuple[int, ...], where: str) -> Array:
    stamp.check()
    return read_at(stamp.path, start, dtype_of(dtype), shape, where)


def _integers(
    message: Message, dtype: np.dtype[np.generic], wide: np.dtype[np.generic], count: int, where: str
) -> Array:
    import numpy as np

    found = message.integers(count + 1) if count <= message.end - message.start else ()
    if len(found) != count:
        raise Unreadable("a tensor's length does not fit its shape", where=where)
    bits = np.array([value & (1 << 64) - 1 for value in found], np.uint64).astype(f"u{wide.itemsize}").view(wide)
    if dtype.itemsize < wide.itemsize and dtype.kind in "fV":  # small floats stand as their bits
        return bits.astype(f"u{dtype.itemsize}").view(dtype)
    return bits.astype(dtype)


def _outside(stamp: Stamp, told: dict[str, str], nbytes: int, where: str) -> tuple[Stamp, int, int]:
    """The file beside the model in which a tensor's values are, where they start, and how many bytes they are."""
    location = told.get("location", "")
    folder = stamp.path.parent.resolve()
    target = folder / location
    parts = Path(location).parts
    plain = location and "\0" not in location and "\\" not in location and not Path(location).is_absolute()
    if not plain or ".." in parts or not target.resolve().is_relative_to(folder):
        raise Unsafe("a tensor's values are in a file outside the model's folder", where=where, found=location[:200])
    held = Stamp.of(target)
    with reading("a tensor's place is not sound", where):
        start, length = int(told.get("offset", "0")), int(told.get("length", str(nbytes)))
    if start < 0 or length < 0 or start + length > held.size:
        raise Unreadable("a tensor goes beyond the end of its file", where=where, found=location[:200])
    return held, start, length
