"""Flax's MessagePack, its bytes written by hand after the specification."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from homolog.errors import HomologError, Unreadable
from homolog.files import Format, open_checkpoint


def pack(value: Any) -> bytes:
    """What ``flax.serialization.to_bytes`` writes of a tree."""
    if isinstance(value, dict):
        return bytes([0x80 | len(value)]) + b"".join(pack(key) + pack(item) for key, item in value.items())
    if isinstance(value, str):
        return bytes([0xA0 | len(value)]) + value.encode()
    if isinstance(value, list | tuple):
        return bytes([0x90 | len(value)]) + b"".join(map(pack, value))
    if isinstance(value, bytes):
        return b"\xc5" + struct.pack(">H", len(value)) + value
    if isinstance(value, np.ndarray | np.generic):
        inner = pack((list(value.shape), value.dtype.name, value.tobytes()))
        return b"\xc8" + struct.pack(">Hb", len(inner), 1 if isinstance(value, np.ndarray) else 3) + inner
    if value is None:
        return b"\xc0"
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    return bytes([value]) if 0 <= value < 128 else b"\xd3" + struct.pack(">q", value)


TREE = {
    "params": {
        "Dense_0": {
            "kernel": np.arange(6, dtype="f4").reshape(2, 3),
            "bias": np.array([1.5, 2, 3], ml_dtypes.bfloat16),
        },
        "none": np.zeros((0, 4)),
    },
    "step": np.int32(7),
    "rate": 0.5,
    "plain": [1, -5, None],
}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_arrays_are_found_at_their_places_in_the_tree(tmp_path: Path) -> None:
    found = open_checkpoint(write(tmp_path / "x.msgpack", pack(TREE)))
    assert found.format == Format.FLAX
    values = {name: ref.read() for name, ref in found.tensors.items()}
    assert {name: (value.dtype.name, value.tolist()) for name, value in values.items()} == {
        "params/Dense_0/kernel": ("float32", [[0, 1, 2], [3, 4, 5]]),
        "params/Dense_0/bias": ("bfloat16", [1.5, 2, 3]),
        "params/none": ("float64", []),
        "step": ("int32", 7),
    }


def test_it_is_what_the_library_reads(tmp_path: Path) -> None:
    msgpack = pytest.importorskip("msgpack")
    assert msgpack.unpackb(pack(TREE), strict_map_key=False)["plain"] == [1, -5, None]


def inner(shape: Any, dtype: Any, data: bytes) -> bytes:
    body = pack((shape, dtype, data))
    return pack({"w": 0})[:-1] + b"\xc8" + struct.pack(">Hb", len(body), 1) + body


@pytest.mark.parametrize(
    "data",
    [
        b"\x81" * 1000,
        b"\x81\xa1a" + b"\x91" * 5000,
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xa1a\xdd\xff\xff\xff\xff",
        b"\x81\xa1a\xdb\xff\xff\xff\xff",
        b"\x81\xa1a\xc6\xff\xff\xff\xff",
        b"\x81\xa1a\xc9\xff\xff\xff\xff\x01",
        b"\x82\xa1a\x01\xa1a\x02",
        b"\x81\xa1a\xc1",
        b"\x81\xa1a\x01",
        inner([2, 3], "float32", bytes(20)),
        inner([2**31, 2**31], "float32", bytes(24)),
        inner([2], "object", bytes(16)),
        inner([2], "nonsense", bytes(8)),
        inner("x", "float32", bytes(8)),
        inner([-2], "float32", bytes(8)),
    ],
)
def test_49_what_is_not_sound_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        open_checkpoint(write(tmp_path / "x.msgpack", data))


PIECES = {"0": np.arange(4, dtype="f4"), "1": np.arange(4, 6, dtype="f4")}


def pieces(**other: Any) -> dict[str, Any]:
    """What Flax writes of an array above 1 GB."""
    return {
        "w": {"__msgpack_chunked_array__": 1, "shape": {"0": 2, "1": 3}, "chunks": PIECES, **other},
        "v": np.ones(1),
    }


def test_an_array_in_pieces_is_one(tmp_path: Path) -> None:
    found = open_checkpoint(write(tmp_path / "x.msgpack", pack(pieces()))).tensors
    assert {name: ref.shape for name, ref in found.items()} == {"w": (2, 3), "v": (1,)}
    assert found["w"].read().tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "other",
    [
        {"shape": {"0": 2, "1": 4}},
        {"shape": {"0": 2, "2": 3}},
        {"shape": {"0": -2, "1": -3}},
        {"shape": [2, 3]},
        {"shape": {"0": "x"}},
        {"chunks": {}},
        {"chunks": 5},
        {"chunks": {"0": PIECES["0"], "2": PIECES["1"]}},
        {"chunks": {"0": PIECES["0"], "1": PIECES["1"].astype("f8")}},
        {"chunks": {"0": np.ones((2, 3), "f4")}},
        {"chunks": {"0": PIECES["0"], "1": 2}},
    ],
)
def test_pieces_that_are_no_array_are_refused(other: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="piece"):
        open_checkpoint(write(tmp_path / "x.msgpack", pack(pieces(**other))))


def test_every_truncation_is_an_error(tmp_path: Path) -> None:
    data = pack(TREE)
    for length in range(len(data)):
        with pytest.raises(HomologError):
            open_checkpoint(write(tmp_path / "short", data[:length]))
