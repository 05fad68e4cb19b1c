"""Zip archives as PyTorch writes them when they are large: nothing in them fits into 32 bits."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from attacks.cases import pickled, tensor
from homolog.errors import Unreadable
from homolog.files import open_checkpoint

SMALL = np.arange(6, dtype="<f4")
LONG = (1 << 32) + 4000  # bytes
FULL = 0xFFFFFFFF


def zip64(path: Path, members: dict[str, bytes | int]) -> None:
    """An archive whose lengths and places all stand in 64 bits; a member of a length alone is a hole in the file."""
    directory = b""
    with path.open("wb") as file:
        for name, data in members.items():
            place, raw = file.tell(), name.encode()
            size, crc = (data, 0) if isinstance(data, int) else (len(data), zlib.crc32(data))
            plain = struct.pack("<5H3IHH", 45, 0, 0, 0, 33, crc, FULL, FULL, len(raw), 20)
            file.write(b"PK\x03\x04" + plain + raw + struct.pack("<HHQQ", 1, 16, size, size))
            if isinstance(data, int):
                file.seek(size, 1)
            else:
                file.write(data)
            plain = struct.pack("<6H3I5HII", 45, 45, 0, 0, 0, 33, crc, FULL, FULL, len(raw), 28, 0, 0, 0, 0, FULL)
            directory += b"PK\x01\x02" + plain + raw + struct.pack("<HHQQQ", 1, 24, size, size, place)
        start, count = file.tell(), len(members)
        file.write(directory)
        end = struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, len(directory), start)
        file.write(b"PK\x06\x06" + end + b"PK\x06\x07" + struct.pack("<IQI", 0, start + len(directory), 1))
        file.write(b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 0xFFFF, 0xFFFF, FULL, FULL, 0))


def test_tensors_behind_four_gigabytes(tmp_path: Path) -> None:
    count = LONG // 4
    pickle = pickled(long=tensor((count,), (1,), numel=count), small=tensor(key="1"))
    members = {"x/data/0": LONG, "x/data/1": SMALL.tobytes(), "x/data.pkl": pickle, "x/byteorder": b"little"}
    zip64(tmp_path / "x.pt", members)
    assert (tmp_path / "x.pt").stat().st_blocks < 1000, "the file was to have a hole"
    found = open_checkpoint(tmp_path / "x.pt").tensors
    assert {name: ref.shape for name, ref in found.items()} == {"long": (count,), "small": (2, 3)}
    assert np.array_equal(found["small"].read(), SMALL.reshape(2, 3))


def test_a_place_beyond_the_file_is_refused(tmp_path: Path) -> None:
    zip64(tmp_path / "x.pt", {"x/data.pkl": pickled(w=tensor()), "x/data/0": SMALL.tobytes()})
    data = (tmp_path / "x.pt").read_bytes()
    at = data.rindex(b"x/data/0") + len("x/data/0") + 20
    (tmp_path / "x.pt").write_bytes(data[:at] + struct.pack("<Q", 1 << 40) + data[at + 8 :])
    with pytest.raises(Unreadable):
        open_checkpoint(tmp_path / "x.pt")
