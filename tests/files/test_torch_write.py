from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog.errors import Mismatch, Unsupported
from homolog.files import open_checkpoint
from homolog.tensors import same_bits


def other(found: Any) -> dict[str, Any]:
    """New values for every tensor, in an order of axes that is not the one stored."""
    random = np.random.default_rng(0)
    values = {}
    for name, ref in found.tensors.items():
        value = random.normal(size=ref.shape[::-1]).T * 100
        values[name] = value.astype(ref.read().dtype)
    return values


@pytest.mark.parametrize("kind", ["torch_state", "torch_module"])
def test_torch_loads_the_new_values(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    import torch

    made = request.getfixturevalue(kind)
    found = open_checkpoint(made.path)
    new = other(found)
    before = made.path.read_bytes()
    found.rewrite(tmp_path / "new.pt", iter(new.items()))
    assert made.path.read_bytes() == before

    safe = [type(module) for module in made.model.modules()]
    safe += [set, torch.nn.functional.gelu, torch.nn.functional.relu]
    for mmap in (False, True):
        with torch.serialization.safe_globals(safe):
            loaded = torch.load(tmp_path / "new.pt", weights_only=True, mmap=mmap)
        state = loaded if kind == "torch_state" else loaded.state_dict()
        assert list(state) == list(new)
        for name, value in new.items():
            assert same_bits(state[name].numpy(), np.ascontiguousarray(value).reshape(value.shape)), name


def test_only_the_records_and_their_checksums_differ(torch_state, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    found = open_checkpoint(torch_state.path)
    found.rewrite(tmp_path / "same.pt", [(name, ref.read()) for name, ref in found.tensors.items()])
    assert (tmp_path / "same.pt").read_bytes() == torch_state.path.read_bytes()

    found.rewrite(tmp_path / "one.pt", [("0.bias", np.zeros(4, "float32"))])
    with zipfile.ZipFile(tmp_path / "one.pt") as new, zipfile.ZipFile(torch_state.path) as old:
        assert new.testzip() is None
        assert new.namelist() == old.namelist()
        changed = [name for name in old.namelist() if new.read(name) != old.read(name)]
    assert changed == ["state/data/1"]


def test_torch_computes_where_the_storages_are(torch_state, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    import torch
    from torch.utils.serialization import config

    found = open_checkpoint(torch_state.path)
    found.rewrite(tmp_path / "new.pt", other(found).items())
    monkeypatch.setenv("TORCH_SERIALIZATION_DEBUG", "1")
    with config.patch("load.calculate_storage_offsets", True):
        torch.load(tmp_path / "new.pt", mmap=True)


def test_the_rest_of_a_training_checkpoint_is_kept(tmp_path: Path) -> None:
    import torch

    state = {"epoch": 7, "state_dict": {"w": torch.ones(2, 3)}, "optimizer": {"m": torch.full((2, 3), 5.0)}}
    torch.save(state, tmp_path / "a.pt")
    open_checkpoint(tmp_path / "a.pt").rewrite(tmp_path / "b.pt", [("w", np.zeros((2, 3), "float32"))])
    loaded = torch.load(tmp_path / "b.pt")
    assert loaded["epoch"] == 7
    assert loaded["state_dict"]["w"].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert loaded["optimizer"]["m"].tolist() == [[5, 5, 5], [5, 5, 5]]


@pytest.fixture
def tied(tmp_path: Path) -> Path:
    import torch

    flat = torch.arange(6.0)
    table = torch.ones(3, 2)
    torch.save({"a": table, "b": table.T, "left": flat[:4], "right": flat[2:]}, tmp_path / "tied.pt")
    return tmp_path / "tied.pt"


def test_ties_survive_and_equal_values_fit_them(tied: Path, tmp_path: Path) -> None:
    import torch

    new = np.arange(6, dtype="float32").reshape(3, 2)
    whole = np.array([0, 1, 2, 3, 4, 5], "float32") * 2
    values = [("a", new), ("b", new.T), ("left", whole[:4]), ("right", whole[2:])]
    open_checkpoint(tied).rewrite(tmp_path / "new.pt", values)
    loaded = torch.load(tmp_path / "new.pt")
    assert loaded["a"].data_ptr() == loaded["b"].data_ptr()
    np.testing.assert_array_equal(loaded["b"].numpy(), new.T)
    assert loaded["right"].tolist() == [4, 6, 8, 10]


@pytest.mark.parametrize(
    "values",
    [
        {"a": np.zeros((3, 2), "float32"), "b": np.ones((2, 3), "float32")},
        {"left": np.zeros(4, "float32"), "right": np.ones(4, "float32")},
        {"left": np.zeros(4, "float32")},
    ],
)
def test_shared_bytes_cannot_be_given_different_values(values: Any, tied: Path, tmp_path: Path) -> None:
    with pytest.raises(Mismatch, match="share their bytes"):
        open_checkpoint(tied).rewrite(tmp_path / "new.pt", values.items())


def test_an_expanded_tensor_takes_only_equal_values(tmp_path: Path) -> None:
    import torch

    torch.save({"e": torch.ones(1).expand(3)}, tmp_path / "e.pt")
    found = open_checkpoint(tmp_path / "e.pt")
    found.rewrite(tmp_path / "same.pt", [("e", np.full(3, 2, "float32"))])
    assert torch.load(tmp_path / "same.pt")["e"].tolist() == [2, 2, 2]
    with pytest.raises(Mismatch, match="share"):
        found.rewrite(tmp_path / "new.pt", [("e", np.arange(3, dtype="float32"))])


def test_big_endian_files_stay_big_endian(tmp_path: Path) -> None:
    import torch

    torch.save({"x": torch.tensor([1.0, 2.0]), "h": torch.tensor([1.0], dtype=torch.bfloat16)}, tmp_path / "x.pt")
    with zipfile.ZipFile(tmp_path / "x.pt") as old, zipfile.ZipFile(tmp_path / "big.pt", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"big" if name.endswith("byteorder") else old.read(name))
    found = open_checkpoint(tmp_path / "big.pt")
    values = {"x": np.array([3.0, -4.0], "float32"), "h": found.tensors["h"].read() * 0 + 1}
    found.rewrite(tmp_path / "new.pt", values.items())
    again = open_checkpoint(tmp_path / "new.pt").tensors
    for name, value in values.items():
        assert same_bits(again[name].read(), value)
    with zipfile.ZipFile(tmp_path / "new.pt") as archive:
        assert archive.read("x/data/0") == np.array([3.0, -4.0], ">f4").tobytes()


def test_packed_weights_are_not_written_to(tmp_path: Path) -> None:
    import torch

    torch.save({"x": torch.ones(4)}, tmp_path / "x.pt")
    with (
        zipfile.ZipFile(tmp_path / "x.pt") as old,
        zipfile.ZipFile(tmp_path / "p.pt", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(Unsupported, match="compressed"):
        open_checkpoint(tmp_path / "p.pt").rewrite(tmp_path / "new.pt", [("x", np.zeros(4, "float32"))])
