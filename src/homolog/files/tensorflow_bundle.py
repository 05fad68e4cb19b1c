"""A checkpoint of TensorFlow, by itself or as the variables of a SavedModel: read as data, without TensorFlow.

An index, which is a sorted table as LevelDB writes it, says for every tensor its element, shape, place and checksum;
the values stand one behind the other in the files ``….data-00000-of-00001``. Of a SavedModel nothing else is opened:
its program could write files as soon as it is loaded. Format: tensorflow/core/util/tensor_bundle, and
tensorflow/core/protobuf/tensor_bundle.proto and trackable_object_graph.proto.
"""

from __future__ import annotations

import io
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from homolog.errors import Unreadable, Unsupported
from homolog.files.checkpoint import Checkpoint, Format, read_only
from homolog.files.crc32c import crc32c, masked
from homolog.files.edge import Stamp, reading
from homolog.files.positions import read_at
from homolog.files.protobuf import Message, signed
from homolog.tensors import Array, TensorRef, dtype_of, width_of

MAX_INDEX = 256 << 20
MAX_GRAPH = 64 << 20
MAX_TENSORS = 1_000_000
_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
_FOOTER = 48
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_STRING = 7
_DTYPES = {
    **{1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 8: "complex64", 9: "int64"},
    **{10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 22: "uint32", 23: "uint64"},
    **{24: "float8_e5m2", 25: "float8_e4m3fn"},
}
# What is not the model: state of the optimizer and of metrics, counters of saves. Keras 3 reaches the model's own
# variables through the optimizer that trains them.
_STATE = re.compile(
    r"(.*/)?(optimizer/(?!_trainable_variables/)|_?optimizer_variables/|keras_api/metrics/|save_counter/).*"
    r"|.*/\.OPTIMIZER_SLOT/.*"
)


@dataclass(frozen=True)
class Entry:
    """One tensor of the index."""

    kind: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc: int


def open_bundle(path: Path) -> Checkpoint:
    """Opens the index of a checkpoint (``….index``).

    Raises:
        Unreadable: it is damaged, or a file of values is missing or too short.
        Unsupported: it is packed, or holds variables in slices.
    """
    where = str(path)
    rows = dict(_table(path))
    if "" not in rows:
        raise Unreadable("a checkpoint's index has no header", where=where)
    shards = _shards(path, rows.pop(""))
    entries = {name: _entry(value, f"{where}: {name[:200]}") for name, value in rows.items()}
    for name, entry in entries.items():
        if entry.shard >= len(shards) or entry.offset + entry.size > shards[entry.shard].size:
            raise Unreadable("a tensor goes beyond the end of its file", where=f"{where}: {name[:200]}")
    graph = entries.get(_GRAPH)
    known = _names(shards[graph.shard].path, graph, where) if graph is not None and graph.kind == _STRING else {}
    state = [name for name in entries if _STATE.fullmatch(name) or (name in known and known[name] is None)]
    # Keras lists the variables of a model that it exports twice.
    again = {known[name] for name in entries if name.startswith("variables/") and known.get(name)}
    left = {*state, *(name for name in entries if name.startswith("_all_variables/") and known.get(name) in again)}
    # The index is sorted by name; the graph has the layers in the order in which the model has them.
    order = {name: place for place, name in enumerate(known)}
    kept = {
        name: entries[name]
        for name in sorted(entries, key=lambda name: order.get(name, len(order)))
        if entries[name].kind != _STRING and name not in left
    }
    shown = {name: known.get(name) or name.removesuffix(_VALUE) for name in kept}
    twice = Counter(shown.values())
    refs: dict[str, TensorRef] = {}
    for name, entry in kept.items():
        short = shown[name] if twice[shown[name]] == 1 else name.removesuffix(_VALUE)
        refs[short] = _ref(short, entry, shards[entry.shard], where)
    groups: dict[str, list[TensorRef]] = {}
    for name, ref in refs.items():
        groups.setdefault(name.rpartition("/")[0], []).append(ref)
    return Checkpoint(
        path,
        Format.TENSORFLOW,
        "keras",
        refs,
        read_only(path, Format.TENSORFLOW),
        groups={key: tuple(found) for key, found in groups.items()},
        extras=(f"state of training ({len(state)} tensors)",) if state else (),
    )


def _ref(name: str, entry: Entry, shard: Stamp, where: str) -> TensorRef:
    dtype = dtype_of(_DTYPES[entry.kind])
    here = f"{where}: {name}"

    def load() -> Array:
        shard.check()
        values = read_at(shard.path, entry.offset, dtype, entry.shape, here)
        if masked(crc32c([values.reshape(-1).view(np.uint8).data])) != entry.crc:
            raise Unreadable("a tensor is damaged: its bytes do not have the checksum that the index gives", where=here)
        return values

    return TensorRef(name, entry.shape, _DTYPES[entry.kind], load)


def _shards(path: Path, header: bytes) -> list[Stamp]:
    told = {number: value for number, value in _message(header, str(path)).fields() if isinstance(value, int)}
    count = told.get(1, 1)
    if told.get(2, 0) != 0:
        raise Unsupported("a checkpoint was written on a big-endian machine", where=str(path))
    if not 0 < count <= 10_000:
        raise Unreadable("a checkpoint has no sound number of files", where=str(path), found=str(count))
    prefix = path.name.removesuffix(".index")
    return [Stamp.of(path.with_name(f"{prefix}.data-{shard:05d}-of-{count:05d}")) for shard in range(count)]


def _entry(value: bytes, where: str) -> Entry:
    plain: dict[int, int] = {}
    shape: list[int] = []
    for number, field in _message(value, where).fields():
        if number == 7:
            raise Unsupported("a variable is stored in slices", where=where)
        if number == 2 and isinstance(field, Message):
            shape = [_dimension(inner) for at, inner in field.fields() if at == 2 and isinstance(inner, Message)]
        elif isinstance(field, int):
            plain[number] = field
    entry = Entry(*(plain.get(1, 0), tuple(shape), plain.get(3, 0), plain.get(4, 0), plain.get(5, 0), plain.get(6, 0)))
    if entry.kind == _STRING:
        return entry
    if entry.kind not in _DTYPES:
        raise Unsupported("a tensor has an element type that homolog does not know", where=where, found=str(entry.kind))
    expected = prod(shape) * width_of(_DTYPES[entry.kind])
    if len(shape) > 64 or min(shape, default=0) < 0 or expected != entry.size:
        raise Unreadable(
            "a tensor's length does not fit its shape",
            where=where,
            expected=f"{expected:,} bytes for {_DTYPES[entry.kind]} {tuple(shape)}"[:200],
            found=f"{entry.size:,}",
        )
    return entry


def _dimension(field: Message) -> int:
    return next((signed(value) for number, value in field.fields() if number == 1 and isinstance(value, int)), 0)


def _names(shard: Path, entry: Entry, where: str) -> dict[str, str | None]:
    """What the graph of the objects calls each tensor of the index; None for one that belongs to an optimizer."""
    if entry.size > MAX_GRAPH:
        raise Unreadable("the graph of a checkpoint's objects is too large", where=where, found=f"{entry.size:,} bytes")
    with reading("the file cannot be read", str(shard)), shard.open("rb") as file:
        file.seek(entry.offset)
        data = file.read(entry.size)
    # One string: its length as a varint, a checksum of that length, and the string.
    start = next((at + 5 for at, byte in enumerate(data[:10]) if byte < 0x80), 0)
    named: dict[str, str | None] = {}
    slots: set[int] = set()
    keys: list[list[tuple[str, str]]] = []
    for number, node in _message(data[start:], where).fields():
        if number != 1 or not isinstance(node, Message):
            continue
        keys.append([])
        for kind, field in node.fields():
            if kind == 2 and isinstance(field, Message):
                told = {at: text.text() for at, text in field.fields() if isinstance(text, Message)}
                keys[-1].append((told.get(3, ""), told.get(2, "")))
            elif kind == 3 and isinstance(field, Message):
                slots |= {value for at, value in field.fields() if at == 3 and isinstance(value, int)}
    for index, pairs in enumerate(keys):
        named.update((key, None if index in slots else name) for key, name in pairs)
    return named


def _message(data: bytes, where: str) -> Message:
    return Message(io.BytesIO(data), 0, len(data), where)


def _table(path: Path) -> Iterator[tuple[str, bytes]]:
    """The keys and values of a sorted table."""
    where = str(path)
    with reading("the file cannot be read", where), path.open("rb") as file:
        data = file.read(MAX_INDEX + 1)
    if len(data) < _FOOTER or len(data) > MAX_INDEX or not data.endswith(_MAGIC):
        raise Unreadable("the file is no index of a TensorFlow checkpoint", where=where)
    at = len(data) - _FOOTER
    for _ in range(2):  # the block of meta information, which is empty
        _, at = _varint(data, at, where)
    place, at = _varint(data, at, where)
    size, _ = _varint(data, at, where)
    count = 0
    for _, handle in _block(data, place, size, where):
        start, at = _varint(handle, 0, where)
        length, _ = _varint(handle, at, where)
        for key, value in _block(data, start, length, where):
            count += 1
            if count > MAX_TENSORS:
                raise Unreadable("a checkpoint has too many tensors", where=where)
            yield key.decode("utf-8", "replace"), value


def _block(data: bytes, start: int, size: int, where: str) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of one block; keys share what they begin with."""
    end = start + size
    if end + 5 > len(data) - _FOOTER or size < 4:
        raise Unreadable("a block goes beyond the end of the index", where=where)
    if data[end] != 0:
        raise Unsupported("a checkpoint's index is packed", where=where)
    if masked(crc32c([data[start : end + 1]])) != struct.unpack_from("<I", data, end + 1)[0]:
        raise Unreadable("a block of the index is damaged: it does not have its checksum", where=where)
    restarts = struct.unpack_from("<I", data, end - 4)[0]
    last, at, key = end - 4 - 4 * int(restarts), start, b""
    while at < last:
        shared, at = _varint(data, at, where)
        fresh, at = _varint(data, at, where)
        length, at = _varint(data, at, where)
        if shared > len(key) or at + fresh + length > last:
            raise Unreadable("a block of the index is damaged", where=where)
        key = key[:shared] + data[at : at + fresh]
        yield key, data[at + fresh : at + fresh + length]
        at += fresh + length


def _varint(data: bytes, at: int, where: str) -> tuple[int, int]:
    value = 0
    for position, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return value, at + position + 1
    raise Unreadable("the index is damaged", where=where)
