"""A generator for every kind of bad input that concerns reading, by its number. All are harmless: what would be run, if
any reader ran it, makes a file called ``canary``.

Each writes into an empty folder and returns what to open, what that must come to, and whether it is reading the tensors
that must fail. What it must come to is the name of an error, or ``read``, or ``unsafe``: open to look at, with the code
that it asks for listed.
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Case = tuple[Path, str]
CASES: dict[str, Callable[[Path], Case]] = {}
DATA = np.arange(6, dtype="<f4").tobytes()
RUN = b"cposix\nsystem\nX\x0c\0\0\0touch canary\x85R"


def case(name: str) -> Callable[[Callable[[Path], Case]], Callable[[Path], Case]]:
    def keep(make: Callable[[Path], Case]) -> Callable[[Path], Case]:
        assert name not in CASES
        CASES[name] = make
        return make

    return keep


# ── PyTorch ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def integer(value: int) -> bytes:
    raw = value.to_bytes(17, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def tensor(
    shape: tuple[int, ...] = (2, 3),
    stride: tuple[int, ...] = (3, 1),
    *,
    offset: int = 0,
    numel: int = 6,
    key: str = "0",
    rebuild: str = "torch._utils\n_rebuild_tensor_v2",
) -> bytes:
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + integer(numel) + b"tQ"
    lengths = b"".join(b"(" + b"".join(map(integer, values)) + b"t" for values in (shape, stride))
    return b"c" + rebuild.encode() + b"\n(" + storage + integer(offset) + lengths + b"\x89}tR"


def pickled(**values: bytes) -> bytes:
    return b"\x80\x02}" + b"".join(text(name) + value + b"s" for name, value in values.items()) + b"."


def torch_zip(folder: Path, pickle: bytes, records: dict[str, bytes] | None = None, **more: bytes) -> Path:
    path = folder / "x.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickle)
        for key, data in ({"0": DATA} if records is None else records).items():
            archive.writestr(f"x/data/{key}", data)
        for name, data in {"byteorder": b"little", **more}.items():
            archive.writestr(f"x/{name}", data)
    return path


@case("01 an unknown global")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor(), extra=b"cevil.package\nThing\n)R")), "unsafe"


@case("02 a call of os.system")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor(), extra=RUN)), "unsafe"


@case("03 a dotted name on the stack")
def _(folder: Path) -> Case:
    call = text("torch") + text("serialization.os.system") + b"\x93" + text("touch canary") + b"\x85R"
    return torch_zip(folder, pickled(w=tensor(), extra=call)), "unsafe"


@case("03 the extension registry")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor(), extra=b"\x82\x01")), "Unsafe"


@case("03 a state for a class")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor(), extra=b"cbuiltins\ndict\n}b")), "Unreadable"


@case("04 a huge index of the memo")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor(), extra=b"]r\xff\xff\xff\x7f")), "read"


@case("04 a huge length of bytes")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor(), extra=b"\x96" + b"\xff" * 7 + b"\x7f")), "Unreadable"


@case("05 a billion laughs")
def _(folder: Path) -> Case:
    levels = b"".join(b"](" + b"h%c" % level * 9 + b"eq%c0" % (level + 1) for level in range(40))
    return torch_zip(folder, pickled(w=tensor(), extra=b"]q\x000" + levels + b"h\x28")), "read"


@case("06 a mapping within itself")
def _(folder: Path) -> Case:
    return torch_zip(folder, b"\x80\x02}q\x00" + text("w") + tensor() + b"s" + text("self") + b"h\x00s."), "read"


@case("07 strides of nothing: 1e12 elements of one")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor((10**6, 10**6), (0, 0)))), "Unreadable"


@case("08 a view beyond its storage")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor(offset=1))), "Unreadable"


@case("08 a view so long that products overflow")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor((2**62, 2**62), (2**62, 1)))), "Unreadable"


@case("09 a record that is too short")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor()), {"0": DATA[:20]}), "Unreadable"


@case("10 a missing record")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor(key="../../secret"))), "Unreadable"


@case("11 an unknown byte order")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor()), byteorder=b"middle"), "Unreadable"


@case("12 a flipped bit")
def _(folder: Path) -> Case:
    path = torch_zip(folder, pickled(w=tensor()))
    data = path.read_bytes()
    at = data.index(DATA)
    path.write_bytes(data[:at] + b"\x01" + data[at + 1 :])
    return path, "Unreadable"


@case("13 two members of one name")
def _(folder: Path) -> Case:
    path = torch_zip(folder, pickled(w=tensor()), {"0": DATA, "1": bytes(24)})
    path.write_bytes(path.read_bytes().replace(b"x/data/1", b"x/data/0"))
    return path, "Unreadable"


@case("14 a member that unpacks to a thousand times its size")
def _(folder: Path) -> Case:
    with zipfile.ZipFile(folder / "x.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", pickled(w=tensor(numel=40 << 20)))
        archive.writestr("x/data/0", bytes(160 << 20))
    return folder / "x.pt", "Unreadable"


@case("15 an empty file")
def _(folder: Path) -> Case:
    (folder / "x.pt").touch()
    return folder / "x.pt", "Unreadable"


@case("15 half a file")
def _(folder: Path) -> Case:
    path = torch_zip(folder, pickled(w=tensor()))
    path.write_bytes(path.read_bytes()[:300])
    return path, "Unreadable"


@case("16 storages that overlap")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(a=tensor((2, 2), (2, 1)), b=tensor((2, 2), (2, 1), offset=2))), "read"


@case("17 TorchScript with code that runs on loading")
def _(folder: Path) -> Case:
    module = b"\x80\x02c__torch__\nEvil\n)\x81}" + text("w") + tensor() + b"sb."
    code = b"def __setstate__(self, state):\n  torch.save(1, 'canary')\n"
    return torch_zip(folder, module, **{"constants.pkl": b"\x80\x02).", "code/__torch__.py": code}), "read"


@case("18 an exported program with pickled weights")
def _(folder: Path) -> Case:
    entry = {"path_name": "weight_0", "is_param": True, "use_pickle": True, "tensor_meta": {}}
    with zipfile.ZipFile(folder / "x.pt2", "w") as archive:
        archive.writestr("x/archive_format", "pt2")
        archive.writestr("x/data/weights/model_weights_config.json", json.dumps({"config": {"w": entry}}))
        archive.writestr("x/data/weights/weight_0", b"\x80\x02" + RUN + b".")
    return folder / "x.pt2", "Unsafe"


@case("19 a tar of old")
def _(folder: Path) -> Case:
    with tarfile.open(folder / "x.pt", "w") as archive:
        info = tarfile.TarInfo("pickle")
        info.size = len(RUN)
        archive.addfile(info, io.BytesIO(RUN))
    return folder / "x.pt", "Unreadable"


@case("19 a pickle without a zip")
def _(folder: Path) -> Case:
    (folder / "x.pt").write_bytes(b"\x80\x02" + RUN + b".")
    return folder / "x.pt", "Unsafe"


@case("20 a sparse tensor")
def _(folder: Path) -> Case:
    return torch_zip(folder, pickled(w=tensor(rebuild="torch._utils\n_rebuild_sparse_tensor"))), "Unsupported"


@case("21 what training leaves behind")
def _(folder: Path) -> Case:
    rest = b"cargparse\nNamespace\n)\x81}" + text("lr") + b"G?\xb9\x99\x99\x99\x99\x99\x9asb"
    scalar = b"cnumpy.core.multiarray\nscalar\n" + text("f8") + text("x") + b"\x86R"
    return torch_zip(folder, pickled(state_dict=pickled(w=tensor())[2:-1], args=rest, best=scalar)), "read"


# ── safetensors ──────────────────────────────────────────────────────────────────────────────────────────────────────


def safetensors(folder: Path, header: Any, data: bytes = DATA, length: int | None = None) -> Path:
    told = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / "x.safetensors").write_bytes(struct.pack("<Q", len(told) if length is None else length) + told + data)
    return folder / "x.safetensors"


def entry(start: int = 0, end: int = 24, shape: Any = (2, 3), dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HEADERS: dict[str, tuple[Any, str]] = {
    "23 tensors that overlap": ({"a": entry(0, 16, [4]), "b": entry(8, 24, [4])}, "Unreadable"),
    "23 a hole between tensors": ({"a": entry(0, 8, [2]), "b": entry(16, 24, [2])}, "Unreadable"),
    "23 bytes behind the last": ({"a": entry(0, 16, [4])}, "Unreadable"),
    "24 a shape that overflows": ({"a": entry(shape=[2**62, 2**62])}, "Unreadable"),
    "24 a shape that does not fit": ({"a": entry(shape=[7])}, "Unreadable"),
    "25 a name that stands twice": (b'{"a":%s,"a":%s}' % ((json.dumps(entry()).encode(),) * 2), "Unreadable"),
    "26 an unknown element type": ({"a": entry(dtype="F7")}, "Unsupported"),
    "26 an element type that is no name": ({"a": entry(dtype=["F32"])}, "Unsupported"),
    "28 names that look like paths": (
        {"../x": entry(0, 8, [2]), "\0": entry(8, 16, [2]), "": entry(16, 24, [2])},
        "read",
    ),
    "29 more axes than any tensor has": ({"a": entry(shape=[1] * 65 + [6])}, "Unreadable"),
}
for _name, (_header, _expected) in HEADERS.items():
    CASES[_name] = lambda folder, header=_header, expected=_expected: (safetensors(folder, header), expected)  # type: ignore[misc]


@case("22 a header longer than the file")
def _(folder: Path) -> Case:
    return safetensors(folder, {"a": entry()}, length=1 << 62), "Unreadable"


@case("27 a header of more entries than the cap")
def _(folder: Path) -> Case:
    entries = b",".join(b'"%x":%s' % (number, json.dumps(entry()).encode()) for number in range(500_001))
    return safetensors(folder, b"{" + entries + b"}"), "Unreadable"


@case("30 an index that names a file elsewhere")
def _(folder: Path) -> Case:
    (folder / "x.index.json").write_text(json.dumps({"weight_map": {"a": "../../etc/passwd"}}), encoding="utf-8")
    return folder / "x.index.json", "Unsafe"


@case("31 an index with a missing shard")
def _(folder: Path) -> Case:
    (folder / "x.index.json").write_text(json.dumps({"weight_map": {"a": "y.safetensors"}}), encoding="utf-8")
    return folder / "x.index.json", "Unreadable"


@case("32 an index that its shard does not bear out")
def _(folder: Path) -> Case:
    safetensors(folder, {"a": entry()})
    told = {"weight_map": {"a": "x.safetensors", "b": "x.safetensors"}}
    (folder / "x.index.json").write_text(json.dumps(told), encoding="utf-8")
    return folder / "x.index.json", "Unreadable"


# ── HDF5 and Keras ───────────────────────────────────────────────────────────────────────────────────────────────────


def hdf5(folder: Path, fill: Callable[[Any], object]) -> Path:
    with h5py.File(folder / "x.h5", "w") as file:
        file.attrs["layer_names"] = np.array(["d"], "S")
        group = file.create_group("d")
        group.attrs["weight_names"] = np.array(["w"], "S")
        fill(group)
    return folder / "x.h5"


FILLS: dict[str, tuple[Callable[[Any], object], str]] = {
    "33 an external link": (lambda group: group.__setitem__("w", h5py.ExternalLink("secret.h5", "/w")), "Unsafe"),
    "33 a soft link": (lambda group: group.__setitem__("w", h5py.SoftLink("/nowhere")), "Unsafe"),
    "33 external storage": (
        lambda group: group.create_dataset("w", (3,), "f8", external=[("/etc/passwd", 0, 24)]),
        "Unsafe",
    ),
    "34 a group within itself": (lambda group: group.__setitem__("w", group), "Unreadable"),
    "35 a shape of terabytes": (lambda group: group.create_dataset("w", (10**6, 10**6), "f4"), "Unreadable"),
    "35 a shape of terabytes, in chunks": (
        lambda group: group.create_dataset("w", (10**6, 10**6), "f4", chunks=(1024, 1024), compression="gzip"),
        "Unreadable",
    ),
    "36 a gzip bomb": (
        lambda group: group.create_dataset("w", data=np.zeros(20 << 20, "f4"), compression="gzip", chunks=(1 << 18,)),
        "Unreadable",
    ),
    "37 texts": (lambda group: group.create_dataset("w", data=np.array(["ü"], h5py.string_dtype())), "Unreadable"),
    "37 references": (lambda group: group.create_dataset("w", (2,), h5py.ref_dtype), "Unreadable"),
}
for _name, (_fill, _expected) in FILLS.items():
    CASES[_name] = lambda folder, fill=_fill, expected=_expected: (hdf5(folder, fill), expected)  # type: ignore[misc]


@case("33 a virtual dataset")
def _(folder: Path) -> Case:
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("secret.h5", "w", (3,))
    return hdf5(folder, lambda group: group.create_virtual_dataset("w", layout)), "Unsafe"


@case("34 groups linked twice at each of many levels")
def _(folder: Path) -> Case:
    def fill(group: Any) -> None:
        for _ in range(40):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner

    return hdf5(folder, fill), "Unreadable"


def keras(folder: Path, config: bytes, **more: bytes) -> Path:
    with h5py.File(folder / "weights", "w") as file:
        file["layers/dense/vars/0"] = np.ones((2, 3), "f4")
    with zipfile.ZipFile(folder / "x.keras", "w") as archive:
        archive.writestr("config.json", config)
        archive.write(folder / "weights", "model.weights.h5")
        for name, data in more.items():
            archive.writestr(name, data)
    (folder / "weights").unlink()
    return folder / "x.keras"


def sequential(*layers: dict[str, Any]) -> bytes:
    return json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}).encode()


@case("39 a Lambda with bytecode")
def _(folder: Path) -> Case:
    code = {"class_name": "__lambda__", "config": {"code": "4wAAAA==\n", "defaults": None, "closure": None}}
    return keras(folder, sequential({"class_name": "Lambda", "config": {"name": "l", "function": code}})), "unsafe"


@case("40 a module named os")
def _(folder: Path) -> Case:
    config = {"module": "os", "class_name": "system", "config": {"command": "touch canary"}, "registered_name": None}
    return keras(folder, json.dumps(config).encode()), "read"


@case("41 a layer of 200,000,000 units")
def _(folder: Path) -> Case:
    return keras(folder, sequential({"class_name": "Dense", "config": {"name": "dense", "units": 200_000_000}})), "read"


@case("42 members that would be unpacked elsewhere")
def _(folder: Path) -> Case:
    return keras(folder, sequential(), **{"../canary": b"x", "/tmp/canary": b"x", "assets/../../canary": b"x"}), "read"


@case("43 JSON 200,000 deep")
def _(folder: Path) -> Case:
    return keras(folder, b"[" * 200_000), "Unreadable"


# ── TensorFlow and others ────────────────────────────────────────────────────────────────────────────────────────────


@case("46 a SavedModel whose program is not asked")
def _(folder: Path) -> Case:
    from bench.fuzz_seeds import tensorflow

    (folder / "model/variables").mkdir(parents=True)
    (folder / "model/saved_model.pb").write_bytes(b"\xff" * 100)
    tensorflow(folder / "model/variables/variables.index")
    return folder / "model", "read"


@case("47 a flipped bit in the values of a TensorFlow checkpoint")
def _(folder: Path) -> Case:
    from bench.fuzz_seeds import tensorflow

    tensorflow(folder / "x.index")
    path = folder / "x.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    return folder / "x.index", "Unreadable"


@case("48 ONNX with values in a file elsewhere")
def _(folder: Path) -> Case:
    def part(field: int, value: bytes) -> bytes:
        return bytes([field << 3 | 2, len(value)]) + value

    place = part(13, part(1, b"location") + part(2, b"../../../etc/passwd"))
    (folder / "x.onnx").write_bytes(b"\x08\x08" + part(7, part(5, b"\x08\x06\x10\x01" + part(8, b"w") + place)))
    return folder / "x.onnx", "Unsafe"


@case("49 MessagePack nested without end")
def _(folder: Path) -> Case:
    (folder / "x.msgpack").write_bytes(b"\x81\xa1a" * 100_000)
    return folder / "x.msgpack", "Unreadable"


@case("49 MessagePack of four billion values")
def _(folder: Path) -> Case:
    (folder / "x.msgpack").write_bytes(b"\x81\xa1a\xdd\xff\xff\xff\xff")
    return folder / "x.msgpack", "Unreadable"


@case("50 NaN and Inf")
def _(folder: Path) -> Case:
    values = np.array([np.nan, np.inf, -np.inf, 1, 2, 3], "<f4").tobytes()
    return safetensors(folder, {"a": entry()}, values), "read"
