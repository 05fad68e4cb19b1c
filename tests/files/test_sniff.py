from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from homolog.errors import Unreadable
from homolog.files import Format, open_checkpoint


def test_the_name_of_a_file_means_nothing(torch_state, keras3: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for source, name, format in (
        (torch_state.path, "a.h5", Format.TORCH_STATE),
        (keras3 / "net.keras", "a.pt", Format.KERAS),
        (keras3 / "net.h5", "a.safetensors", Format.KERAS_H5),
    ):
        (tmp_path / name).write_bytes(source.read_bytes())
        assert open_checkpoint(str(tmp_path / name)).format is format


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    return buffer.getvalue()


def empty_zip() -> bytes:
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\n<html lang='en'>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"\x93NUMPY\x01\x00", "numpy"),
        (b'{"weight_map": {}}', "JSON"),
        (tar(), "a tar of torch.save"),
        (b"\x80\x04}.", "bare pickle"),
        (empty_zip(), "neither PyTorch's nor Keras's"),
        (b"PK\x03\x04" + bytes(50), "zip archive is damaged"),
        (b"hello", "begins with b'hello'"),
    ],
)
def test_other_files_are_called_what_they_are(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(data)
    with pytest.raises(Unreadable) as caught:
        open_checkpoint(tmp_path / "x.pt")
    assert words in str(caught.value)
    assert str(tmp_path / "x.pt") in str(caught.value)


def test_folders_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(Unreadable, match="folder") as caught:
        open_checkpoint(tmp_path)
    assert caught.value.found == "saved_model.pb"
    with pytest.raises(Unreadable, match="no such file"):
        open_checkpoint(tmp_path / "gone.pt")
