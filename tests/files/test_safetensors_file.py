from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from homolog.errors import Unreadable, Unsupported, Usage
from homolog.files import Format, open_checkpoint, write_new
from homolog.tensors import same_bits


def written(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(start: int, end: int, shape: Any = (2,), dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def arrays() -> dict[str, Any]:
    random = np.random.default_rng(0)
    names = [
        "float16",
        "float32",
        "float64",
        "bfloat16",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool",
        "complex64",
    ]
    kinds = [*map(np.dtype, (name for name in names if name != "bfloat16")), np.dtype(ml_dtypes.bfloat16)]
    kinds += [np.dtype(ml_dtypes.float8_e4m3fn), np.dtype(ml_dtypes.float8_e5m2)]
    return {f"block.{kind.name}": (random.normal(size=(3, 5)) * 9).astype(kind) for kind in kinds} | {
        "scalar": np.array(2.5, "float32"),
        "empty": np.zeros((0, 4), "float32"),
    }


def test_what_the_library_writes_is_read(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    saved = {name: value for name, value in arrays().items() if value.dtype.name != "float8_e5m2"}
    save_file(saved, tmp_path / "a.safetensors", metadata={"by": "me"})
    found = open_checkpoint(tmp_path / "a.safetensors")
    assert (found.format, found.framework, found.extras) == (Format.SAFETENSORS, None, ("metadata (by)",))
    assert found.tensors.keys() == saved.keys()
    for name, value in saved.items():
        assert same_bits(found.tensors[name].read(), value), name


def test_what_is_written_torch_reads(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    write_new(Format.SAFETENSORS, tmp_path / "a.safetensors", arrays().items())
    loaded = load_file(tmp_path / "a.safetensors")
    for name, value in arrays().items():
        assert loaded[name].contiguous().flatten().untyped_storage().tolist() == list(value.tobytes()), name


def test_strides_are_respected(tmp_path: Path) -> None:
    value = np.arange(6, dtype="float32").reshape(2, 3).T
    write_new(Format.SAFETENSORS, tmp_path / "a", [("w", value), ("r", value[::-1])])
    found = open_checkpoint(tmp_path / "a").tensors
    np.testing.assert_array_equal(found["w"].read(), value)
    np.testing.assert_array_equal(found["r"].read(), value[::-1])


def test_two_tensors_of_one_name_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(Usage):
        write_new(Format.SAFETENSORS, tmp_path / "a", [("w", np.zeros(1)), ("w", np.zeros(1))])


def test_a_rewrite_changes_the_named_tensors_alone(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    saved = {name: value for name, value in arrays().items() if value.dtype.name != "float8_e5m2"}
    save_file(saved, tmp_path / "a", metadata={"by": "me"})
    found = open_checkpoint(tmp_path / "a")
    new = {name: (value[::-1] if value.ndim else value + 1) for name, value in saved.items() if name != "block.int8"}
    found.rewrite(tmp_path / "b", new.items())
    again = open_checkpoint(tmp_path / "b")
    assert list(again.tensors) == list(found.tensors)
    assert again.extras == found.extras
    for name, value in {**saved, **new}.items():
        assert same_bits(again.tensors[name].read(), value), name
    assert (tmp_path / "a").stat().st_size == (tmp_path / "b").stat().st_size


@pytest.mark.parametrize("name", ["../x", "a\0b", "", "/etc/passwd", "ü"])
def test_names_are_opaque(name: str, tmp_path: Path) -> None:
    found = open_checkpoint(written(tmp_path / "a", {name: entry(0, 8)}, b"\0" * 8))
    assert list(found.tensors) == [name]


@pytest.mark.parametrize(
    ("header", "data", "reason"),
    [
        ({"a": entry(0, 8), "b": entry(4, 12)}, 12, "overlap"),
        ({"a": entry(0, 8), "b": entry(12, 20)}, 20, "hole"),
        ({"a": entry(0, 8)}, 9, "longer or shorter"),
        ({"a": entry(0, 8)}, 7, "longer or shorter"),
        ({"a": entry(0, 8, (3,))}, 8, "does not fit its shape"),
        ({"a": entry(8, 0)}, 8, "does not fit its shape"),
        ({"a": entry(0, 8, (2**62, 2**62, 2**62))}, 8, "does not fit its shape"),
        ({"a": entry(0, 8, (-2,))}, 8, "sound shape"),
        ({"a": entry(0, 8, (True, 2))}, 8, "sound shape"),
        ({"a": entry(0, 8, (1,) * 65)}, 8, "sound shape"),
        ({"a": {"dtype": "F32"}}, 8, "is not dtype"),
        ({"a": 3}, 8, "is not dtype"),
        ([1], 8, "in no format"),
        (b'{"a": 1, "a": 2}', 0, "twice"),
        (b'{"a": ', 0, "JSON"),
        (b"{\xff}", 0, "cannot be read"),
        (b'{"a":' * 200_000, 0, "JSON"),
        ({"__metadata__": 3}, 0, "metadata"),
    ],
)
def test_a_header_that_is_not_sound_is_refused(header: Any, data: int, reason: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=reason):
        open_checkpoint(written(tmp_path / "a", header, b"\0" * data))


@pytest.mark.parametrize("length", [2**63, 100_000_001, 999])
def test_a_header_beyond_the_file_is_refused(length: int, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="header is longer"):
        open_checkpoint(written(tmp_path / "a", {}, length=length))


def test_an_unknown_element_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="element type"):
        open_checkpoint(written(tmp_path / "a", {"a": entry(0, 8, dtype="F4")}, b"\0" * 8))


def test_too_many_tensors_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homolog.files.safetensors_file.MAX_TENSORS", 3)
    header = {f"t{index}": entry(0, 0, (0,)) for index in range(4)}
    with pytest.raises(Unreadable, match="too many"):
        open_checkpoint(written(tmp_path / "a", header))
