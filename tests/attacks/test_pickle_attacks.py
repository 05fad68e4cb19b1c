"""Attacks on PyTorch files; the numbers are those of BAD_INPUTS."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog.errors import HomologError, Unreadable, Unsafe, Unsupported
from homolog.files import open_checkpoint

Maker = Callable[..., Any]


class Runs:
    """Would make the canary if it were unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch canary",)


class Evaluates:
    """The same with eval."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("__import__('pathlib').Path('canary').touch()",)


def test_the_canary_would_sing(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Runs()))
    assert (tmp_path / "canary").exists()
    (tmp_path / "canary").unlink()


@pytest.mark.parametrize("evil", [Runs(), Evaluates()])
@pytest.mark.parametrize("protocol", [2, 4])
def test_01_02_calls_are_listed_and_never_made(evil: Any, protocol: int, torch_file: Maker, tmp_path: Path) -> None:
    import torch

    torch.save({"w": torch.ones(2, 3), "extra": evil}, tmp_path / "x.pt", pickle_protocol=protocol)
    found = open_checkpoint(tmp_path / "x.pt")
    assert found.unsafe in (("posix.system",), ("builtins.eval",))
    assert found.tensors["w"].read().tolist() == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize(
    "code",
    [
        b"\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch canary\x85R",
        b"\x8c\x05torch\x8c\x17serialization.os.system\x93\x8c\x0ctouch canary\x85R",
        b"(cos\nsystem\n\x8c\x0ctouch canaryo",
        b"(\x8c\x0ctouch canaryios\nsystem\n",
        b"cos\nsystem\n\x8c\x0ctouch canary\x85\x81",
        b"cos\nsystem\n\x8c\x0ctouch canary\x85}\x92",
    ],
)
def test_03_every_way_to_call_is_inert(code: bytes, torch_file: Maker, tensor_pickle: Maker) -> None:
    tensor = tensor_pickle()[3:-2]  # the key and the tensor, without the dict around them
    path = torch_file(b"\x80\x02}" + tensor + b"s\x8c\x01x" + code + b"s.", {"0": bytes(24)})
    found = open_checkpoint(path)
    assert any("system" in name for name in found.unsafe)
    assert found.tensors["w"].shape == (2, 3)


def test_03_the_extension_registry_and_states_of_classes(torch_file: Maker) -> None:
    with pytest.raises(Unsafe):
        open_checkpoint(torch_file(b"\x80\x02\x82\x01."))
    with pytest.raises(Unreadable, match="state"):
        open_checkpoint(torch_file(b"\x80\x02ctorch.nn.modules.conv\nConv2d\n}b."))


def test_04_lengths_and_indices_that_mean_nothing(torch_file: Maker) -> None:
    for code in (b"Nr\xff\xff\xff\x7f.", b"\x96" + struct.pack("<Q", 2**62) + b".", b"\x8b\xff\xff\xff\x7f."):
        with pytest.raises(HomologError):
            open_checkpoint(torch_file(b"\x80\x05" + code))


def test_05_a_billion_laughs_in_an_attribute(torch_file: Maker) -> None:
    laughs = b"]q\x00"
    for index in range(1, 60):
        laughs += b"0]q" + bytes([index]) + b"(h" + bytes([index - 1]) + b"h" + bytes([index - 1]) + b"e"
    module = b"ctorch.nn.modules.linear\nIdentity\n)\x81}(" + b"".join(
        b"X" + struct.pack("<I", len(name)) + name + value
        for name, value in ((b"_modules", b"}"), (b"_parameters", b"}"), (b"_buffers", b"}"), (b"joke", laughs))
    )
    with pytest.raises(Unreadable, match="without end"):
        open_checkpoint(torch_file(b"\x80\x02" + module + b"ub."))


def test_06_a_module_within_itself(torch_file: Maker) -> None:
    module = (
        b"\x80\x02ctorch.nn.modules.container\nSequential\n)\x81q\x00}(X\x08\x00\x00\x00_modules}X\x01\x00\x00\x000h\x00s"
        b"X\x0b\x00\x00\x00_parameters}X\x08\x00\x00\x00_buffers}ub."
    )
    with pytest.raises(Unreadable, match="without end"):
        open_checkpoint(torch_file(module))


def test_06_a_mapping_within_itself(torch_file: Maker) -> None:
    with pytest.raises(HomologError):
        open_checkpoint(torch_file(b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s."))


def test_07_a_tensor_of_strides_of_nothing(torch_file: Maker, tensor_pickle: Maker) -> None:
    found = open_checkpoint(torch_file(tensor_pickle(1, 0, (10**6, 10**6), (0, 0)), {"0": bytes(4)}))
    assert found.tensors["w"].size == 10**12
    with pytest.raises(Unreadable, match="larger than what is stored"):
        found.tensors["w"].read()


@pytest.mark.parametrize(
    "view",
    [
        {"shape": (2, 4), "stride": (4, 1)},
        {"offset": 1},
        {"offset": 7, "shape": (), "stride": ()},
        {"shape": (2, 2), "stride": (2**62, 1)},
        {"stride": (-3, 1)},
        {"offset": -1},
        {"shape": (2,), "stride": (1, 1)},
        {"shape": (2**64, 1)},
        {"numel": 2**62, "shape": (2**62,), "stride": (1,)},
    ],
)
def test_08_views_beyond_their_storage(view: dict[str, Any], torch_file: Maker, tensor_pickle: Maker) -> None:
    with pytest.raises(Unreadable):
        open_checkpoint(torch_file(tensor_pickle(**view), {"0": bytes(24)}))


@pytest.mark.parametrize("size", [0, 23, 25, 48])
def test_09_records_of_another_length(size: int, torch_file: Maker, tensor_pickle: Maker) -> None:
    with pytest.raises(Unreadable, match="not as long"):
        open_checkpoint(torch_file(tensor_pickle(), {"0": bytes(size)}))


@pytest.mark.parametrize("key", ["1", "../../etc/passwd", ""])
def test_10_missing_records(key: str, torch_file: Maker, tensor_pickle: Maker) -> None:
    with pytest.raises(Unreadable, match="missing"):
        open_checkpoint(torch_file(tensor_pickle(key=key), {"0": bytes(24)}))


def test_10_unknown_storages(torch_file: Maker, tensor_pickle: Maker) -> None:
    with pytest.raises(Unsupported):
        open_checkpoint(torch_file(tensor_pickle(storage="QInt8Storage"), {"0": bytes(24)}))


def test_12_a_flipped_bit(torch_file: Maker, tensor_pickle: Maker) -> None:
    path = torch_file(tensor_pickle(), {"0": np.full(6, 7, "float32").tobytes()})
    data = bytearray(path.read_bytes())
    data[data.index(np.full(6, 7, "float32").tobytes()) + 5] ^= 4
    path.write_bytes(data)
    found = open_checkpoint(path)
    with pytest.raises(Unreadable, match="checksum"):
        found.tensors["w"].read()


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_13_two_members_of_one_name(torch_file: Maker, tensor_pickle: Maker) -> None:
    path = torch_file(tensor_pickle(), {"0": bytes(24)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("evil/data.pkl", b"\x80\x02}.")
    with pytest.raises(Unreadable, match="two members"):
        open_checkpoint(path)


def test_14_members_that_unpack_to_far_more(torch_file: Maker, tensor_pickle: Maker) -> None:
    size = 80 << 20
    path = torch_file(tensor_pickle(size // 4, 0, (size // 4,), (1,)), {"0": bytes(size)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    with pytest.raises(Unreadable, match="far more than it holds"):
        open_checkpoint(path)


def test_14_members_that_overlap(torch_file: Maker, tensor_pickle: Maker) -> None:
    path = torch_file(tensor_pickle(), {"0": bytes(24), "1": bytes(24)})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        first, second = (archive.getinfo(f"evil/data/{key}").header_offset for key in "01")
    entry = data.rindex(b"evil/data/1") - 46
    data[entry + 42 : entry + 46] = struct.pack("<I", first)
    assert second != first
    path.write_bytes(data)
    with pytest.raises(Unreadable, match="overlap"):
        open_checkpoint(path)


def test_15_every_truncation(torch_file: Maker, tensor_pickle: Maker, tmp_path: Path) -> None:
    data = torch_file(tensor_pickle(), {"0": bytes(24)}).read_bytes()
    for length in range(0, len(data), 7):
        (tmp_path / "short.pt").write_bytes(data[:length])
        with pytest.raises(Unreadable):
            open_checkpoint(tmp_path / "short.pt")


def test_19_files_older_than_the_zip(tmp_path: Path) -> None:
    import torch

    torch.save({"w": torch.ones(2), "x": Runs()}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    found = open_checkpoint(tmp_path / "old.pt")
    assert found.unsafe == ("posix.system",)
    assert found.tensors["w"].read().tolist() == [1, 1]
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(Unsafe, match=r"posix\.system"):
        open_checkpoint(tmp_path / "bare.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"w": [1.0]}))
    with pytest.raises(Unreadable, match="bare pickle"):
        open_checkpoint(tmp_path / "plain.pt")


def test_21_what_training_leaves_behind(tmp_path: Path) -> None:
    import argparse

    import torch

    extras = {"best": np.float64(0.5), "args": argparse.Namespace(lr=0.1), "dir": Path("/tmp"), "a": np.ones(3)}
    torch.save({"state_dict": {"w": torch.ones(2)}, **extras}, tmp_path / "x.pt")
    found = open_checkpoint(tmp_path / "x.pt")
    assert found.tensors["w"].read().tolist() == [1, 1]
    assert found.unsafe == ()  # data, whose constructors run nothing
    kinds = [extra.partition(" (")[2][:-1] for extra in found.extras]
    assert kinds == ["numpy._core.multiarray.scalar", "argparse.Namespace", "pathlib.PosixPath", *kinds[3:]]
