"""Small sound files of every format that is read, for the fuzzer to spoil."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
from safetensors.numpy import save_file

from homolog.files.crc32c import crc32c, masked

ARRAYS = {"conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2), "conv.bias": np.ones(2, np.float32)}


def torch_state(path: Path) -> None:
    import torch

    tensors = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
    torch.save({"epoch": 3, "state_dict": tensors, "optimizer": {"state": {0: {"m": torch.ones(2)}}}}, path)


def torch_module(path: Path) -> None:
    import torch

    torch.save(torch.nn.Sequential(torch.nn.Conv2d(2, 3, 2), torch.nn.ReLU(), torch.nn.BatchNorm2d(3)), path)


def torch_legacy(path: Path) -> None:
    import torch

    tensors = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
    torch.save({"epoch": 3, "state_dict": tensors}, path, _use_new_zipfile_serialization=False)


def torchscript(path: Path) -> None:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(torch.nn.Sequential(torch.nn.Linear(3, 2)), torch.ones(1, 3)).save(path)


def torch_exported(path: Path) -> None:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(torch.nn.Linear(3, 2), (torch.ones(1, 3),)), path)


def safetensors(path: Path) -> None:
    save_file(ARRAYS, path, metadata={"format": "pt"})


def keras_h5(path: Path) -> None:
    layer = {"class_name": "Dense", "config": {"name": "dense", "units": 3, "activation": "relu"}}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
        )
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array(["dense"], "S")
        inner = group.create_group("dense")
        inner.attrs["weight_names"] = np.array(["dense/kernel:0", "dense/bias:0"], "S")
        inner["dense/kernel:0"] = np.ones((2, 3), np.float32)
        inner["dense/bias:0"] = np.ones(3, np.float32)


def keras_weights(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = "dense"
        group.create_dataset("0", data=np.ones((20, 30), np.float32), chunks=(5, 7), compression="gzip", shuffle=True)
        group.create_dataset("1", data=np.ones(30, np.float32), fletcher32=True)


def keras(path: Path) -> None:
    held = path.with_suffix(".inner")
    keras_weights(held)
    layer = {"class_name": "Dense", "config": {"name": "dense", "units": 30}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr(
            "config.json", json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}})
        )
        archive.write(held, "model.weights.h5")
    held.unlink()


def numpy(path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **ARRAYS)


def tensorflow(path: Path) -> None:
    """The index of two variables; the values stand in a file beside it, which is not spoilt."""
    values = b"".join(ARRAYS[name].tobytes() for name in sorted(ARRAYS))
    path.with_name(f"{path.name.removesuffix('.index')}.data-00000-of-00001").write_bytes(values)
    rows, offset = [("", b"\x08\x01")], 0
    for name, array in sorted(ARRAYS.items()):
        shape = b"".join(b"\x12\x02\x08" + bytes([length]) for length in array.shape)
        crc = struct.pack("<I", masked(crc32c([array.tobytes()])))
        entry = (
            b"\x08\x01\x12" + bytes([len(shape)]) + shape + b"\x20" + bytes([offset]) + b"\x28" + bytes([array.nbytes])
        )
        rows.append((name, entry + b"\x35" + crc))
        offset += array.nbytes
    path.write_bytes(_table(rows))


def _table(rows: list[tuple[str, bytes]]) -> bytes:
    def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
        body = b"".join(b"\0" + bytes([len(key), len(value)]) + key + value for key, value in pairs)
        body += struct.pack("<II", 0, 1)
        return body + b"\0" + struct.pack("<I", masked(crc32c([body + b"\0"])))

    first = block([(name.encode(), value) for name, value in rows])
    meta = block([])
    handle = b"\0" + varint(len(first) - 5)
    index = block([(b"\xff", handle)])
    footer = varint(len(first)) + varint(len(meta) - 5) + varint(len(first) + len(meta)) + varint(len(index) - 5)
    return first + meta + index + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def varint(value: int) -> bytes:
    """An integer as protocol buffers and LevelDB write it."""
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def onnx(path: Path) -> None:
    def part(field: int, value: bytes) -> bytes:
        return bytes([field << 3 | 2]) + varint(len(value)) + value

    graph = part(1, b"node")
    for name, array in ARRAYS.items():
        dims = b"".join(b"\x08" + bytes([length]) for length in array.shape)
        graph += part(5, dims + b"\x10\x01" + part(8, name.encode()) + part(9, array.tobytes()))
    path.write_bytes(b"\x08\x08" + part(7, graph))


def flax(path: Path) -> None:
    def array(value: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
        shape = bytes([0x90 | value.ndim]) + bytes(value.shape)
        inner = b"\x93" + shape + b"\xa7float32" + b"\xc4" + bytes([value.nbytes]) + value.tobytes()
        return b"\xc7" + bytes([len(inner)]) + b"\x01" + inner

    pairs = b"".join(bytes([0xA0 | len(name)]) + name.encode() + array(value) for name, value in ARRAYS.items())
    path.write_bytes(b"\x81\xa6params" + bytes([0x80 | len(ARRAYS)]) + pairs)


SEEDS: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    "torch-state": ("x.pt", torch_state),
    "torch-module": ("x.pt", torch_module),
    "torch-legacy": ("x.pth", torch_legacy),
    "torchscript": ("x.pt", torchscript),
    "torch-exported": ("x.pt2", torch_exported),
    "safetensors": ("x.safetensors", safetensors),
    "keras-h5": ("x.h5", keras_h5),
    "keras-weights": ("x.weights.h5", keras_weights),
    "keras": ("x.keras", keras),
    "numpy": ("x.npz", numpy),
    "tensorflow": ("x.index", tensorflow),
    "onnx": ("x.onnx", onnx),
    "flax": ("x.msgpack", flax),
}
"""For each format the name of a file, and what writes a sound one."""


def repacked(data: bytes, change: Callable[[bytes], bytes], pick: Callable[[list[str]], str]) -> bytes:
    """A zip in which one member is changed, with its checksum put right again."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = pick([name for name in old.namelist() if name.endswith((".pkl", ".json", ".h5", ".npy"))])
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == chosen else old.read(name))
    return out.getvalue()


def resummed(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A table of TensorFlow's whose first block is changed, of the same length, with its checksum put right again."""
    end = int.from_bytes(data[-48:-47], "little")
    body = change(data[: end - 5])[: end - 5].ljust(end - 5, b"\0")
    return body + b"\0" + struct.pack("<I", masked(crc32c([body + b"\0"]))) + data[end:]
