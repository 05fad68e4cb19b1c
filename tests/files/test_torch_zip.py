from __future__ import annotations

import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog.errors import Unreadable, Unsupported
from homolog.files import Format, open_checkpoint
from homolog.modules import Stub
from homolog.tensors import same_bits


def repack(path: Path, out: Path, change: dict[str, bytes | None], packing: int = zipfile.ZIP_STORED) -> Path:
    """A copy of a zip with members replaced (bytes), left out (None) or added."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", packing) as new:
        prefix = old.namelist()[0].split("/")[0]
        wanted = {f"{prefix}/{name}": data for name, data in change.items()}
        for name in old.namelist():
            data = wanted.pop(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
        for name, data in wanted.items():
            if data is not None:
                new.writestr(name, data)
    return out


def saved(value: Any, tmp_path: Path) -> Path:
    import torch

    torch.save(value, tmp_path / "saved.pt")
    return tmp_path / "saved.pt"


def test_a_state_dict_is_read_as_torch_has_it(torch_state) -> None:  # type: ignore[no-untyped-def]
    found = open_checkpoint(torch_state.path)
    assert (found.format, found.framework, found.unsafe, found.extras) == (Format.TORCH_STATE, "pytorch", (), ())
    assert list(found.tensors) == list(torch_state.arrays)
    for name, value in torch_state.arrays.items():
        assert same_bits(found.tensors[name].read(), value), name
    assert found.modules is None


def test_a_whole_module_is_read_as_a_tree(torch_module) -> None:  # type: ignore[no-untyped-def]
    found = open_checkpoint(torch_module.path)
    assert (found.format, found.unsafe) == (Format.TORCH_MODULE, ())
    assert list(found.tensors) == list(torch_module.arrays)
    for name, value in torch_module.arrays.items():
        assert same_bits(found.tensors[name].read(), value), name
    assert found.modules is not None
    assert found.modules.tensors() == dict(found.tensors)
    conv, norm, inner, encoder = found.modules.children.values()
    assert conv.type == "torch.nn.modules.conv.Conv2d"
    assert conv.attributes["stride"] == (1, 2)
    assert conv.parameters["weight"].trainable is True  # type: ignore[union-attr]
    assert list(norm.buffers) == ["running_mean", "running_var", "num_batches_tracked"]
    assert norm.buffers["running_mean"].trainable is False  # type: ignore[union-attr]
    assert inner.children["1"].parameters["bias"] is None
    assert inner.children["1"].path == "2.1"
    assert inner.children["0"].attributes["approximate"] == "tanh"
    assert encoder.attributes["activation"] == Stub("torch._C._nn.gelu")
    assert encoder.children["self_attn"].attributes["_qkv_same_embed_dim"] is True


DTYPES = "float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128"


@pytest.mark.parametrize("dtype", [*DTYPES.split(), "float8_e4m3fn", "float8_e5m2"])
def test_every_element_type_is_read(dtype: str, tmp_path: Path) -> None:
    import torch

    value = torch.arange(6).reshape(2, 3).to(getattr(torch, dtype))
    found = open_checkpoint(saved({"x": value}, tmp_path)).tensors["x"]
    assert found.dtype == dtype
    raw = value.view(torch.uint8).numpy().tobytes()
    assert found.read().tobytes() == raw


def test_views_are_read_through_their_strides(tmp_path: Path) -> None:
    import torch

    base = torch.arange(60.0).reshape(3, 4, 5)
    views = {"t": base.permute(2, 0, 1), "s": base[1:, ::2, 3], "e": torch.ones(1).expand(7, 2), "z": base[:0]}
    scalar = torch.tensor(2.5)
    found = open_checkpoint(saved({**views, "scalar": scalar}, tmp_path)).tensors
    for name, view in {**views, "scalar": scalar}.items():
        np.testing.assert_array_equal(found[name].read(), view.numpy())


def test_ties_are_reported_and_mere_neighbours_are_not(tmp_path: Path) -> None:
    import torch

    tied, flat = torch.ones(3, 2), torch.arange(6.0)
    state = {"a": tied, "b": tied.T, "left": flat[:2], "right": flat[2:], "over": flat[4:], "alone": torch.ones(2)}
    found = {name: ref.storage for name, ref in open_checkpoint(saved(state, tmp_path)).tensors.items()}
    assert found["a"] == found["b"] is not None
    assert found["right"] == found["over"] is not None
    assert found["left"] is None
    assert found["alone"] is None


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "weird"])
def test_the_weights_of_a_training_checkpoint_are_found(key: str, tmp_path: Path) -> None:
    import torch

    net = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), momentum=0.5, lr=0.1)
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    path = saved({"epoch": 7, key: net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path)
    found = open_checkpoint(path)
    assert list(found.tensors) == ["weight", "bias"]
    assert found.extras == ("epoch", "optimizer state (2 tensors)")


def test_a_checkpoint_of_two_models_shows_both_under_their_paths(tmp_path: Path) -> None:
    import torch

    net = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), momentum=0.5, lr=0.1)
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    models = {"G": {"w": torch.ones(2)}, "D": {"deep": {"w": torch.ones(3)}}}
    found = open_checkpoint(saved({"epoch": 1, "opt": optimizer.state_dict(), "nets": models}, tmp_path))
    assert {name: ref.shape for name, ref in found.tensors.items()} == {"nets.G.w": (2,), "nets.D.deep.w": (3,)}
    assert found.extras == ("epoch", "opt state (2 tensors)")


def test_a_checkpoint_without_weights_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="no weights") as caught:
        open_checkpoint(saved({"epoch": 3, "note": "x"}, tmp_path))
    assert caught.value.details == ("epoch", "note")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_the_prefixes_of_wrappers_are_taken_off_and_mentioned(prefix: str, tmp_path: Path) -> None:
    import torch

    state = {f"{prefix}{name}": value for name, value in torch.nn.Linear(3, 2).state_dict().items()}
    found = open_checkpoint(saved({"state_dict": state, "ema": dict(state)}, tmp_path))
    assert list(found.tensors) == ["weight", "bias"]
    assert found.extras == ("ema (2 tensors)", f"names in the file begin with {prefix}")
    new = {name: np.full(ref.shape, 7, ref.dtype) for name, ref in found.tensors.items()}
    found.rewrite(tmp_path / "new.pt", new.items())
    written = torch.load(tmp_path / "new.pt", weights_only=True)["state_dict"]
    assert written[f"{prefix}weight"].tolist() == [[7, 7, 7], [7, 7, 7]]
    one = saved({"module.weight": torch.ones(2), "other": torch.ones(2)}, tmp_path)
    assert list(open_checkpoint(one).tensors) == ["module.weight", "other"]


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="neither a state_dict nor a module"):
        open_checkpoint(saved("weights", tmp_path))
    with pytest.raises(Unsupported, match="no weights that can be told"):
        open_checkpoint(saved([1, 2], tmp_path))


def test_tensors_of_other_kinds_are_refused_by_name(tmp_path: Path) -> None:
    import torch

    odd = {
        "sparse": torch.eye(3).to_sparse(),
        "meta": torch.empty(2, device="meta"),
        "conj": torch.ones(2, dtype=torch.complex64).conj(),
    }
    for name, value in odd.items():
        with pytest.raises(Unsupported, match="kind that homolog does not read") as caught:
            open_checkpoint(saved({"ok": torch.ones(1), name: value}, tmp_path))
        assert name in str(caught.value)


def test_parameters_say_whether_they_are_trained(tmp_path: Path) -> None:
    import torch
    from torch.nn import Parameter

    state = OrderedDict(a=Parameter(torch.ones(2)), b=Parameter(torch.ones(2), requires_grad=False), c=torch.ones(2))
    found = open_checkpoint(saved(state, tmp_path)).tensors
    assert [found[name].trainable for name in "abc"] == [True, False, None]


def test_big_endian_records_are_swapped(tmp_path: Path) -> None:
    import torch

    state = {
        "f": torch.tensor([1.5, -2.0]),
        "h": torch.tensor(3.0, dtype=torch.bfloat16),
        "b": torch.tensor([1, 2], dtype=torch.uint8),
    }
    path = saved(state, tmp_path)
    with zipfile.ZipFile(path) as archive:
        records = {f"data/{i}": archive.read(f"saved/data/{i}") for i in range(3)}
    swapped: dict[str, bytes | None] = {
        "data/0": np.frombuffer(records["data/0"], "<f4").astype(">f4").tobytes(),
        "data/1": records["data/1"][::-1],
        "byteorder": b"big",
    }
    found = open_checkpoint(repack(path, tmp_path / "big.pt", swapped)).tensors
    assert found["f"].read().tolist() == [1.5, -2.0]
    assert float(found["h"].read()) == 3.0
    assert found["h"].read().shape == ()
    assert found["b"].read().tolist() == [1, 2]


def test_an_unknown_byte_order_is_refused(torch_state, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Unreadable, match="byte order"):
        open_checkpoint(repack(torch_state.path, tmp_path / "x.pt", {"byteorder": b"middle"}))


def test_a_short_or_missing_record_is_refused(torch_state, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Unreadable, match="not as long"):
        open_checkpoint(repack(torch_state.path, tmp_path / "x.pt", {"data/0": b"\0" * 8}))
    with pytest.raises(Unreadable, match="missing"):
        open_checkpoint(repack(torch_state.path, tmp_path / "x.pt", {"data/0": None}))


def test_packed_members_are_read(torch_state, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    found = open_checkpoint(repack(torch_state.path, tmp_path / "x.pt", {}, zipfile.ZIP_DEFLATED))
    for name, value in torch_state.arrays.items():
        assert same_bits(found.tensors[name].read(), value)


def test_views_of_a_large_storage_are_read_one_by_one_and_checked(tmp_path: Path) -> None:
    import torch

    flat = torch.arange(1000.0)
    path = saved({f"part{at}": flat[at : at + 12].view(3, 4).T for at in range(0, 900, 100)}, tmp_path)
    for name, ref in open_checkpoint(path).tensors.items():
        first = int(name.removeprefix("part"))
        assert ref.read().tolist() == flat[first : first + 12].view(3, 4).T.tolist()
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("saved/data/0").header_offset
    data = bytearray(path.read_bytes())
    data[start + 3500] ^= 1  # within the storage, in a part that no tensor uses
    path.write_bytes(data)
    with pytest.raises(Unreadable, match="checksum"):
        open_checkpoint(path).tensors["part0"].read()


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    import torch

    path = saved({"x": torch.ones(3)}, tmp_path)
    found = open_checkpoint(path)
    saved({"x": torch.ones(3), "y": torch.ones(900)}, tmp_path)
    with pytest.raises(Unreadable, match="changed"):
        found.tensors["x"].read()


def test_a_class_of_ones_own_is_read_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.width = 4
            self.table = {torch.float32: [1, 2]}
            self.first = torch.nn.Linear(3, 4)
            self.tied = self.first

    Net.__module__, Net.__qualname__ = "somewhere", "Net"
    somewhere = types.ModuleType("somewhere")
    somewhere.Net = Net  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "somewhere", somewhere)
    found = open_checkpoint(saved(Net(), tmp_path))
    assert found.unsafe == ("somewhere.Net",)
    assert found.modules is not None
    assert found.modules.type == "somewhere.Net"
    assert found.modules.attributes == {"training": True, "width": 4, "table": {Stub("torch.float32"): [1, 2]}}
    assert list(found.tensors) == ["first.weight", "first.bias", "tied.weight", "tied.bias"]
    assert found.tensors["first.weight"].storage == found.tensors["tied.weight"].storage is not None
