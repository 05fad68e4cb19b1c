"""Weights in several files: what the index may say, and what must agree with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from homolog.errors import HomologError, Unreadable, Unsafe, Unsupported
from homolog.files import Format, open_checkpoint, write_new

VALUES = {"a.weight": np.arange(6.0).reshape(2, 3), "a.bias": np.ones(3, "f4"), "b.weight": np.full((5,), 7, "i2")}
SHARDS = {"one.safetensors": ("a.weight", "a.bias"), "two.safetensors": ("b.weight",)}


def sharded(folder: Path, shards: Mapping[str, tuple[str, ...]] = SHARDS, index: Any = None) -> Path:
    """An index with its shards."""
    for name, tensors in shards.items():
        write_new(Format.SAFETENSORS, folder / name, [(tensor, VALUES[tensor]) for tensor in tensors])
    told = {tensor: name for name, tensors in shards.items() for tensor in tensors} if index is None else index
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": told}), encoding="utf-8")
    return path


@pytest.mark.parametrize("by", ["index", "folder"])
def test_the_tensors_of_all_shards_are_one_checkpoint(by: str, tmp_path: Path) -> None:
    path = sharded(tmp_path)
    found = open_checkpoint(path if by == "index" else tmp_path)

    assert (found.format, found.extras) == (Format.SHARDED, ("2 shards",))
    assert set(found.tensors) == set(VALUES)
    assert all(np.array_equal(ref.read(), VALUES[name]) for name, ref in found.tensors.items())
    with pytest.raises(Unsupported, match="can be copied from, and not written"):
        found.rewrite(tmp_path / "out", [])


def test_shards_may_be_of_any_format(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"a.weight": torch.ones(2, 3)}, tmp_path / "pytorch_model-1.bin")
    torch.save({"b.weight": torch.zeros(5)}, tmp_path / "pytorch_model-2.bin")
    index = {"a.weight": "pytorch_model-1.bin", "b.weight": "pytorch_model-2.bin"}
    found = open_checkpoint(sharded(tmp_path, {}, index))
    assert (found.framework, {name: ref.shape for name, ref in found.tensors.items()}) == (
        "pytorch",
        {"a.weight": (2, 3), "b.weight": (5,)},
    )


@pytest.mark.parametrize("name", ["../one.safetensors", "/etc/passwd", "sub/one.safetensors", "..", "", "a\0b", "c:x"])
def test_30_a_name_that_is_no_plain_one_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unsafe, match="does not lie beside it"):
        open_checkpoint(sharded(tmp_path, index={"a.weight": name}))


def test_30_a_link_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "here").mkdir()
    sharded(tmp_path / "other")
    path = sharded(tmp_path / "here")
    (tmp_path / "here/one.safetensors").unlink()
    (tmp_path / "here/one.safetensors").symlink_to(tmp_path / "other/one.safetensors")
    with pytest.raises(Unsafe, match="leads elsewhere"):
        open_checkpoint(path)


def test_30_a_folder_of_links_into_one_other_folder_is_read(tmp_path: Path) -> None:
    """The cache of Hugging Face is laid out so."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    sharded(tmp_path / "blobs")
    for file in (tmp_path / "blobs").iterdir():
        (tmp_path / "snapshot" / file.name).symlink_to(f"../blobs/{file.name}")
    assert set(open_checkpoint(tmp_path / "snapshot").tensors) == set(VALUES)


def test_31_a_missing_shard_is_named(tmp_path: Path) -> None:
    path = sharded(tmp_path)
    (tmp_path / "two.safetensors").unlink()
    with pytest.raises(Unreadable, match=r"missing[^$]*two\.safetensors"):
        open_checkpoint(path)


@pytest.mark.parametrize(
    "shards, index, words",
    [
        ({**SHARDS, "two.safetensors": ("b.weight", "a.bias")}, None, "in two shards"),
        (
            SHARDS,
            {"a.weight": "one.safetensors", "a.bias": "two.safetensors", "b.weight": "two.safetensors"},
            "disagree",
        ),
        (SHARDS, {"a.weight": "one.safetensors", "b.weight": "two.safetensors"}, "disagree"),
        (SHARDS, dict.fromkeys([*VALUES, "c"], "one.safetensors"), "disagree|in no shard"),
        (SHARDS, {}, "no index"),
        (SHARDS, {"a.weight": 3}, "does not say"),
        (SHARDS, ["a.weight"], "no index"),
    ],
)
def test_32_an_index_that_its_shards_do_not_bear_out_is_refused(
    shards: Mapping[str, tuple[str, ...]], index: Any, words: str, tmp_path: Path
) -> None:
    with pytest.raises(Unreadable, match=words):
        open_checkpoint(sharded(tmp_path, shards, index))


@pytest.mark.parametrize("text", ["{", "[" * 200_000, '{"weight_map": {"a": "b", "a": "c"}}', '{"x": 1}', "{}"])
def test_an_index_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.index.json").write_text(text, encoding="utf-8")
    with pytest.raises(HomologError):
        open_checkpoint(tmp_path / "x.index.json")


def test_an_index_is_no_shard_of_itself(tmp_path: Path) -> None:
    name = "model.safetensors.index.json"
    with pytest.raises(Unreadable, match="no format"):
        open_checkpoint(sharded(tmp_path, {}, {"a": name}))


def test_shards_of_keras_are_read_by_the_names_of_its_layers(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    layers = [keras.layers.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="z"), keras.layers.Flatten()]
    model = keras.Sequential([*layers, keras.layers.Dense(5, name="d")])
    model.save_weights(tmp_path / "m.weights.json", max_shard_size=3e-6)
    assert len(list(tmp_path.glob("*.h5"))) == 2

    found = open_checkpoint(tmp_path / "m.weights.json")

    assert (found.format, found.framework) == (Format.SHARDED_KERAS, "keras")
    expected = {f"{layer.name}/{value.name}": value.numpy() for layer in model.layers for value in layer.weights}
    assert {name: ref.read().tolist() for name, ref in found.tensors.items()} == {
        name: value.tolist() for name, value in expected.items()
    }
    assert list(found.groups) == ["z", "d"]  # the model's order, not that of the names


def keras_shards(folder: Path, index: dict[str, Any]) -> Path:
    """The kernel of a layer in one file, its bias in another."""
    for number, shape in enumerate([(2, 3), (3,)]):
        with h5py.File(folder / f"m{number}.weights.h5", "w") as file:
            group = file.create_group("layers/dense/vars")
            group.attrs["name"] = "d"
            group[str(number)] = np.full(shape, number, "f4")
    (folder / "m.weights.json").write_text(json.dumps({"weight_map": index}), encoding="utf-8")
    return folder / "m.weights.json"


def test_keras_says_of_a_group_its_file_or_all_its_files(tmp_path: Path) -> None:
    both = ["m0.weights.h5", "m1.weights.h5"]
    found = open_checkpoint(keras_shards(tmp_path, {"/layers/dense/vars": both}))
    assert {name: ref.shape for name, ref in found.tensors.items()} == {"d/kernel": (2, 3), "d/bias": (3,)}
    alone = open_checkpoint(keras_shards(tmp_path, {"/layers/dense/vars": both[0]}))
    assert [ref.shape for ref in alone.tensors.values()] == [(2, 3)]


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({"/layers/dense/vars": ["m0.weights.h5"], "/layers/other/vars": "m1.weights.h5"}, "disagree"),
        ({"/layers/other/vars": "m0.weights.h5"}, "disagree"),
        ({"/layers/dense/vars": ["m0.weights.h5", 5]}, "does not say"),
        ({"layers": ["m0.weights.h5", "m1.weights.h5"]}, "several files"),
    ],
)
def test_32_an_index_that_keras_shards_do_not_bear_out_is_refused(
    index: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(Unreadable, match=words):
        open_checkpoint(keras_shards(tmp_path, index))
