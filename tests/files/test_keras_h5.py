from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from homolog.errors import Unreadable, Unsupported
from homolog.files import open_checkpoint


def test_long_lists_of_names_are_joined(tmp_path: Path) -> None:
    names = [f"layer_{index}" for index in range(5)]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["layer_names0"] = np.array(names[:3], "S")
        file.attrs["layer_names1"] = np.array(names[3:], "S")
        for index, name in enumerate(names):
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array([f"{name}/kernel:0"], "S")
            group[f"{name}/kernel:0"] = np.full(index + 1, index, "float32")
    found = open_checkpoint(tmp_path / "x.h5")
    assert list(found.tensors) == [f"{name}/kernel" for name in names]
    assert found.tensors["layer_4/kernel"].read().tolist() == [4] * 5


@pytest.mark.parametrize(
    ("layer", "stored", "name"),
    [
        ("dense", "dense/kernel:0", "dense/kernel"),
        ("dense", "sequential/dense/kernel:0", "dense/kernel"),
        ("dense", "dense_1/kernel:0", "dense/kernel"),
        ("dense_2", "dense/kernel", "dense_2/kernel"),
        ("mha", "mha/query/kernel:0", "mha/query/kernel"),
        ("odd", "kernel", "odd/kernel"),
        ("inner", "d1/kernel:0", "inner/d1/kernel"),
        ("block/dense", "block/dense/kernel:0", "block/dense/kernel"),
    ],
)
def test_scopes_that_say_nothing_are_dropped(layer: str, stored: str, name: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["layer_names"] = np.array([layer], "S")
        group = file.create_group(layer)
        group.attrs["weight_names"] = np.array([stored], "S")
        group[stored] = np.ones(3, "float32")
    assert list(open_checkpoint(tmp_path / "x.h5").tensors) == [name]


def test_names_that_would_clash_stay_long(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["layer_names"] = np.array(["rnn"], "S")
        group = file.create_group("rnn")
        group.attrs["weight_names"] = np.array(["a/rnn/kernel:0", "b/rnn/kernel:0"], "S")
        group["a/rnn/kernel:0"], group["b/rnn/kernel:0"] = np.zeros(1), np.ones(1)
    assert list(open_checkpoint(tmp_path / "x.h5").tensors) == ["rnn/a/rnn/kernel:0", "rnn/b/rnn/kernel:0"]


@pytest.mark.parametrize("missing", ["layer", "weight"])
def test_what_is_listed_must_be_there(missing: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["layer_names"] = np.array(["dense"], "S")
        if missing == "weight":
            file.create_group("dense").attrs["weight_names"] = np.array(["dense/kernel:0"], "S")
    with pytest.raises(Unreadable, match=missing):
        open_checkpoint(tmp_path / "x.h5")


def test_other_hdf5_files_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["measurements"] = np.ones(3)
    with pytest.raises(Unsupported, match="not one of Keras"):
        open_checkpoint(tmp_path / "x.h5")
