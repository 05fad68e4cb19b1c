"""CRC-32C by many lanes, beside the definition."""

from __future__ import annotations

import numpy as np
import pytest

from homolog.files.crc32c import crc32c, masked


def plain(data: bytes) -> int:
    """A bit at a time, as the definition has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_check_value_of_the_standard() -> None:
    assert crc32c([b"123456789"]) == 0xE3069283
    assert crc32c([]) == 0


@pytest.mark.parametrize("size", [1, 7, 1000, (1 << 16) - 1, 1 << 16, (1 << 16) + 12345])
def test_lanes_and_pieces_make_no_difference(size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()
    assert crc32c([data]) == plain(data)
    assert crc32c([data[: size // 3], memoryview(data)[size // 3 :]]) == plain(data)


def test_what_is_stored_is_turned_and_shifted() -> None:
    assert masked(0) == 0xA282EAD8
    assert masked(crc32c([b"foo"])) != crc32c([b"foo"])
