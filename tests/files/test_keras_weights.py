from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from homolog.files import open_checkpoint


def stored(path: Path, *variables: str, names: dict[str, str] | None = None) -> Path:
    """A ``.weights.h5`` of variables of ascending length; ``names`` are those of their layers."""
    with h5py.File(path, "w") as file:
        for index, variable in enumerate(variables):
            file[variable] = np.full(index + 1, index, "float32")
        for group, name in (names or {}).items():
            file[f"{group}/vars"].attrs["name"] = name
    return path


def test_variables_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    path = stored(tmp_path / "x", *(f"layers/odd/vars/{index}" for index in range(11)))
    assert [ref.shape for ref in open_checkpoint(path).groups["odd"]] == [(index + 1,) for index in range(11)]


def test_layers_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    layers = ["dense", "dense_1", "dense_2", "dense_10"]
    path = stored(tmp_path / "x", *(f"layers/{layer}/vars/0" for layer in layers))
    assert list(open_checkpoint(path).groups) == layers


def test_the_layers_own_names_count(tmp_path: Path) -> None:
    path = stored(tmp_path / "x", "layers/dense/vars/0", "layers/dense/vars/1", names={"layers/dense": "head"})
    assert list(open_checkpoint(path).tensors) == ["head/kernel", "head/bias"]


@pytest.mark.parametrize("names", [None, ("kernel",), ("a", "b", "c")])
def test_variables_without_known_names_are_numbered(
    names: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homolog.files.keras_weights.keras_variables", lambda kind, config: names)
    path = stored(tmp_path / "x", "layers/dense/vars/0", "layers/dense/vars/1")
    assert list(open_checkpoint(path).tensors) == ["dense/0", "dense/1"]


def test_seeds_are_weights_of_a_group_of_their_own(tmp_path: Path) -> None:
    path = stored(tmp_path / "x", "layers/dropout/seed_generator/vars/0", "layers/dense/vars/0")
    found = open_checkpoint(path)
    assert {key: [ref.name for ref in refs] for key, refs in found.groups.items()} == {
        "dense": ["dense/0"],
        "dropout/seed_generator": ["dropout/seed_generator/seed_generator_state"],
    }


def test_the_models_own_variables_and_its_state(tmp_path: Path) -> None:
    path = stored(tmp_path / "x", "vars/0", "layers/dense/vars/0", "optimizer/vars/0", "metrics/mean/vars/0")
    found = open_checkpoint(path)
    assert list(found.groups) == ["top_level_model_weights", "dense"]
    assert found.extras == ("metrics state (1 tensor)", "optimizer state (1 tensor)")


def test_files_of_keras_2_12_are_read(tmp_path: Path) -> None:
    path = stored(tmp_path / "x", "_layer_checkpoint_dependencies/dense/vars/0", "optimizer/vars/0")
    assert list(open_checkpoint(path).groups) == ["dense"]


def test_layers_that_share_a_name_keep_their_paths(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "x",
        "layers/a/left/vars/0",
        "layers/a/right/vars/0",
        names={"layers/a/left": "same", "layers/a/right": "same"},
    )
    assert list(open_checkpoint(path).tensors) == ["a/left/0", "a/right/0"]
