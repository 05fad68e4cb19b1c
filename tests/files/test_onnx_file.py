"""ONNX, its bytes written by hand after onnx.proto."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from homolog.errors import HomologError, Unreadable, Unsafe, Unsupported
from homolog.files import Format, open_checkpoint


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def part(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def tensor(name: str, kind: int, shape: tuple[int, ...], values: bytes, *, packed: bool = True) -> bytes:
    dims = part(1, b"".join(map(varint, shape))) if packed else b"".join(number(1, length) for length in shape)
    return dims + number(2, kind) + part(8, name.encode()) + values


def outside(location: str, **more: int) -> bytes:
    pairs = {"location": location, **{key: str(value) for key, value in more.items()}}
    return number(14, 1) + b"".join(
        part(13, part(1, key.encode()) + part(2, told.encode())) for key, told in pairs.items()
    )


def model(path: Path, *tensors: bytes, more: bytes = b"") -> Path:
    graph = part(1, b"a node") + part(2, b"graph") + b"".join(part(5, one) for one in tensors) + more
    path.write_bytes(number(1, 8) + part(2, b"by hand") + part(7, graph) + part(8, number(2, 17)))
    return path


VALUES = np.arange(6, dtype="f4").reshape(2, 3)


def test_initialisers_are_read_however_they_are_written(tmp_path: Path) -> None:
    half = np.array([1.5, -2], "f2")
    path = model(
        tmp_path / "x.onnx",
        tensor("raw", 1, (2, 3), part(9, VALUES.tobytes())),
        tensor("unpacked", 1, (2, 3), part(9, VALUES.tobytes()), packed=False),
        tensor("floats", 1, (2, 3), part(4, VALUES.tobytes())),
        tensor("int64", 7, (3,), part(7, b"".join(map(varint, (5, -3, 2**40))))),
        tensor("int8", 3, (2,), part(5, b"".join(map(varint, (-7, 100))))),
        tensor("half", 10, (2,), part(5, b"".join(varint(int(bits)) for bits in half.view("u2")))),
        tensor("bfloat16", 16, (2,), part(9, half.astype(ml_dtypes.bfloat16).tobytes())),
        tensor("scalar", 11, (), part(10, np.array(2.5).tobytes())),
    )
    found = open_checkpoint(path)
    assert (found.format, found.extras) == (Format.ONNX, ("a graph of 1 operators",))
    values = {name: ref.read() for name, ref in found.tensors.items()}
    assert all(np.array_equal(values[name], VALUES) for name in ("raw", "unpacked", "floats"))
    assert values["int64"].tolist() == [5, -3, 2**40]
    assert (values["int8"].tolist(), values["int8"].dtype.name) == ([-7, 100], "int8")
    assert values["half"].tolist() == values["bfloat16"].tolist() == [1.5, -2]
    assert values["scalar"].tolist() == 2.5


def test_values_in_a_file_beside_the_model_are_read(tmp_path: Path) -> None:
    (tmp_path / "x.data").write_bytes(bytes(16) + VALUES.tobytes())
    path = model(tmp_path / "x.onnx", tensor("w", 1, (2, 3), outside("x.data", offset=16, length=24)))
    assert np.array_equal(open_checkpoint(path).tensors["w"].read(), VALUES)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../secret", "", "link", "a\\b"])
def test_48_values_outside_the_folder_are_refused(location: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(VALUES.tobytes())
    (tmp_path / "in/link").symlink_to(tmp_path / "secret")
    path = model(tmp_path / "in/x.onnx", tensor("w", 1, (2, 3), outside(location, length=24)))
    with pytest.raises(Unsafe, match="outside the model's folder"):
        open_checkpoint(path)


@pytest.mark.parametrize(
    "one",
    [
        tensor("w", 1, (2, 3), part(9, bytes(20))),
        tensor("w", 1, (2**40, 2**40), part(9, bytes(24))),
        tensor("w", 1, (-2, -3), part(9, bytes(24))),
        tensor("w", 7, (2**40,), part(7, b"\1" * 8)),
        tensor("w", 1, (2, 3), b""),
        tensor("", 1, (2, 3), part(9, bytes(24))),
        tensor("w", 1, (2, 3), outside("missing")),
        tensor("w", 1, (2, 3), b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        tensor("w", 1, (2, 3), b"\x4a\x7f"),
    ],
)
def test_initialisers_that_are_not_sound_are_refused(one: bytes, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        open_checkpoint(model(tmp_path / "x.onnx", one))


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="element type"):
        open_checkpoint(model(tmp_path / "x.onnx", tensor("w", 8, (1,), b"")))
    with pytest.raises(Unsupported, match="sparse"):
        open_checkpoint(model(tmp_path / "x.onnx", more=part(15, b"")))


def test_every_truncation_is_an_error(tmp_path: Path) -> None:
    data = model(tmp_path / "x.onnx", tensor("w", 1, (2, 3), part(9, VALUES.tobytes()))).read_bytes()
    end = len(data) - 4  # the version of the operators stands last
    for length in range(end):
        (tmp_path / "short").write_bytes(data[:length])
        with pytest.raises(HomologError):
            open_checkpoint(tmp_path / "short")
