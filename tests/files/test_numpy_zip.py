"""NumPy's .npz."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog.errors import Unreadable, Unsafe
from homolog.files import Format, open_checkpoint

ARRAYS: dict[str, Any] = {
    "layer/kernel": np.arange(6, dtype="f4").reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "swapped": np.array([1, -2, 2**40], ">i8"),
    "flags": np.array([True, False]),
    "scalar": np.array(2.5, "f2"),
    "none": np.zeros((0, 7)),
    "complex": np.array([1 + 2j], "c8"),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_as_they_were_written(save: Any, tmp_path: Path) -> None:
    save(tmp_path / "x.npz", **ARRAYS)
    found = open_checkpoint(tmp_path / "x.npz")
    assert (found.format, set(found.tensors)) == (Format.NUMPY, set(ARRAYS))
    for name, ref in found.tensors.items():
        assert (ref.shape, ref.dtype) == (ARRAYS[name].shape, ARRAYS[name].dtype.newbyteorder("=").name)
        assert np.array_equal(ref.read(), ARRAYS[name])


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.array([{}], object))
    with pytest.raises(Unsafe, match="runs code"):
        open_checkpoint(tmp_path / "x.npz")


@pytest.mark.parametrize("dtype", ["U3", "S3", "M8[s]", [("a", "f4"), ("b", "i4")]])
def test_elements_that_are_no_numbers_are_refused(dtype: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros(2, dtype))
    with pytest.raises(Unreadable, match="not numbers"):
        open_checkpoint(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os').system('touch canary'), }",
        b"{" * 5000,
        b"",
    ],
)
def test_a_header_that_is_not_sound_is_refused(header: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24))
    with pytest.raises(Unreadable):
        open_checkpoint(tmp_path / "x.npz")
    assert not (tmp_path / "canary").exists()


def test_a_flipped_bit_is_found_on_reading(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.arange(100.0))
    data = bytearray((tmp_path / "x.npz").read_bytes())
    data[600] ^= 1
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(Unreadable, match="checksum"):
        open_checkpoint(tmp_path / "x.npz").tensors["a"].read()
