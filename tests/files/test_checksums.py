"""CRC-32 by pieces is that of the whole."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from homolog.errors import Unreadable
from homolog.files import checksums


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1000, 1234, 4321])
def test_pieces_come_to_the_checksum_of_the_whole(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "PIECE", 100)
    data = np.random.default_rng(size).integers(0, 256, size + 20, dtype=np.uint8).tobytes()
    (tmp_path / "x").write_bytes(data)
    values, crc = checksums.read_summed(tmp_path / "x", 7, size)
    assert values.tobytes() == data[7 : 7 + size]
    assert crc == zlib.crc32(data[7 : 7 + size]) == checksums.crc_of(tmp_path / "x", 7, size)


def test_a_file_that_ends_early_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "PIECE", 100)
    (tmp_path / "x").write_bytes(bytes(250))
    with pytest.raises(Unreadable, match="ended"):
        checksums.crc_of(tmp_path / "x", 0, 251)
