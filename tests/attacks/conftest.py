"""Harmless attacks: if any of them worked, a file called ``canary`` would appear."""

from __future__ import annotations

import resource
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def contained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No canary, no new file, no lost second, and not 300 MB more than before."""
    monkeypatch.chdir(tmp_path)
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert not (tmp_path / "canary").exists()
    assert time.monotonic() - started < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


@pytest.fixture
def torch_file(tmp_path: Path) -> Callable[..., Path]:
    """Makes a file as ``torch.save`` lays it out from a pickle and records."""

    def make(pickle: bytes, records: dict[str, bytes] | None = None, packing: int = zipfile.ZIP_STORED) -> Path:
        path = tmp_path / "evil.pt"
        with zipfile.ZipFile(path, "w", packing) as archive:
            archive.writestr("evil/data.pkl", pickle)
            archive.writestr("evil/byteorder", b"little")
            for key, data in (records or {}).items():
                archive.writestr(f"evil/data/{key}", data)
            archive.writestr("evil/version", b"3\n")
        return path

    return make


def text(value: str) -> bytes:
    """The opcodes of a string."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def tuple_of(*numbers: int) -> bytes:
    """The opcodes of a tuple of integers of any size."""
    body = b""
    for number in numbers:
        raw = number.to_bytes(17, "little", signed=True)
        body += b"\x8a" + bytes([len(raw)]) + raw
    return b"(" + body + b"t"


@pytest.fixture
def tensor_pickle() -> Callable[..., bytes]:
    """Makes the pickle of ``{"w": tensor}`` from what a tensor is rebuilt from."""

    def make(
        numel: int = 6,
        offset: int = 0,
        shape: tuple[int, ...] = (2, 3),
        stride: tuple[int, ...] = (3, 1),
        storage: str = "FloatStorage",
        key: str = "0",
    ) -> bytes:
        identity = (
            b"("
            + text("storage")
            + f"ctorch\n{storage}\n".encode()
            + text(key)
            + text("cpu")
            + tuple_of(numel)[1:-1]
            + b"tQ"
        )
        arguments = b"(" + identity + tuple_of(offset)[1:-1] + tuple_of(*shape) + tuple_of(*stride) + b"\x89}t"
        return b"\x80\x02}" + text("w") + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."

    return make
