"""Files of ``torch.save`` before 1.6, as torch itself still writes them, and damaged ones."""

from __future__ import annotations

import argparse
import io
import pickle
import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from torch import nn

from homolog.errors import HomologError, Unreadable, Unsafe, Unsupported
from homolog.files import Checkpoint, Format, open_checkpoint
from homolog.files.torch_legacy import MAGIC

BASE = torch.arange(24.0).reshape(2, 3, 4)
VIEWS = {"turned": BASE.transpose(0, 2), "part": BASE[:, 1:, ::2], "one": torch.ones(1).expand(3, 2), "none": BASE[:0]}


def saved(path: Path, held: Any) -> Checkpoint:
    torch.save(held, path / "x.pth", _use_new_zipfile_serialization=False)
    return open_checkpoint(path / "x.pth")


def test_tensors_are_those_that_torch_reads(tmp_path: Path) -> None:
    kinds = {str(kind): torch.tensor([1, 0, 3]).to(kind) for kind in (torch.int8, torch.bool, torch.float64)}
    found = saved(tmp_path, {"state_dict": {**VIEWS, **kinds}, "epoch": 3})
    loaded = torch.load(tmp_path / "x.pth", weights_only=True)["state_dict"]
    assert (found.format, found.extras, found.unsafe) == (Format.TORCH_STATE, ("epoch",), ())
    assert list(found.tensors) == list(loaded)
    for name, ref in found.tensors.items():
        assert np.array_equal(ref.read(), loaded[name].numpy()), name
    assert found.tensors["turned"].storage == found.tensors["part"].storage is not None


def test_elements_that_numpy_lacks(tmp_path: Path) -> None:
    found = saved(tmp_path, {"w": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)})
    assert found.tensors["w"].read().tolist() == np.array([1.5, -2], ml_dtypes.bfloat16).tolist()


def test_a_whole_module_is_a_tree(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 5, padding=2), nn.BatchNorm2d(3))
    found = saved(tmp_path, model)
    assert found.format == Format.TORCH_MODULE
    assert found.modules is not None
    assert found.modules.children["0"].attributes["padding"] == (2, 2)
    assert list(found.tensors) == list(model.state_dict())
    assert np.array_equal(found.tensors["0.weight"].read(), model[0].weight.detach().numpy())


def test_it_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="not written"):
        saved(tmp_path, VIEWS).rewrite(tmp_path / "out.pth", [])


def test_code_is_listed_and_never_run(tmp_path: Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "canary",)

    found = saved(tmp_path, {"state_dict": VIEWS, "args": argparse.Namespace(a=1), "evil": Runs()})
    assert found.unsafe == ("builtins.getattr",)
    with pytest.raises(Unsafe):
        saved(tmp_path, {"evil": Runs()})
    assert not (tmp_path / "canary").exists()


def test_parts_of_storages_as_torch_before_0_4_wrote_them(tmp_path: Path) -> None:
    class Old(pickle.Pickler):
        def persistent_id(self, held: Any) -> Any:
            return ("storage", torch.FloatStorage, "7", "cpu", 6, held.told) if isinstance(held, Part) else None

    out = io.BytesIO()
    for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(head, out, 2)
    Old(out, 2).dump({"whole": Rebuilt(Part(None), 6), "part": Rebuilt(Part(("8", 2, 3)), 3)})
    pickle.dump(["7"], out, 2)
    out.write(struct.pack("<q6f", 6, *range(6)))
    (tmp_path / "x.pth").write_bytes(out.getvalue())
    assert MAGIC in out.getvalue()[:32]
    found = open_checkpoint(tmp_path / "x.pth").tensors
    assert {name: ref.read().tolist() for name, ref in found.items()} == {
        "whole": [0, 1, 2, 3, 4, 5],
        "part": [2, 3, 4],
    }


class Part:
    def __init__(self, told: Any) -> None:
        self.told = told


class Rebuilt:
    def __init__(self, storage: Part, size: int) -> None:
        self.storage, self.size = storage, size

    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor, (self.storage, 0, (self.size,), (1,))


def test_every_truncation_and_anything_behind_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, {"w": torch.ones(3), "v": torch.ones(2)})
    data = (tmp_path / "x.pth").read_bytes()
    for length in range(1, len(data)):
        (tmp_path / "short.pth").write_bytes(data[:length])
        with pytest.raises(HomologError):
            open_checkpoint(tmp_path / "short.pth")
    (tmp_path / "long.pth").write_bytes(data + b"\0")
    with pytest.raises(Unreadable, match="longer or shorter"):
        open_checkpoint(tmp_path / "long.pth")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (struct.pack("<q3f", 3, 1, 1, 1), struct.pack("<q3f", 2, 1, 1, 1), "not as long"),
        (b"FloatStorage", b"DoubleStorag", "not described"),
        (b"FloatStorage", b"FlootStorage", "not described"),
        (b"M\xe9\x03.", b"M\xea\x03.", "never was"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(old: bytes, new: bytes, words: str, tmp_path: Path) -> None:
    saved(tmp_path, {"w": torch.ones(3)})
    data = (tmp_path / "x.pth").read_bytes()
    assert data.count(old) == 1
    (tmp_path / "x.pth").write_bytes(data.replace(old, new))
    with pytest.raises(Unreadable, match=words):
        open_checkpoint(tmp_path / "x.pth")
