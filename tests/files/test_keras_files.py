"""The four layouts of Keras files, on one model each by Keras 3 and Keras 2: reading, naming and rewriting."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from homolog.errors import Mismatch, Unsupported
from homolog.files import Checkpoint, Format, open_checkpoint
from homolog.files.keras_config import with_settings

FILES = {
    "keras3": {"net.keras": Format.KERAS, "net.h5": Format.KERAS_H5, "net.weights.h5": Format.KERAS_WEIGHTS},
    "keras2": {"net.keras": Format.KERAS, "net.h5": Format.KERAS_H5, "weights.h5": Format.KERAS_H5_WEIGHTS},
}
EVERY = [(folder, name) for folder, names in FILES.items() for name in names]
LAYERS = [
    "stem",
    "inner/d1",
    "inner/bn",
    "inner/deep/low",
    "inner/d2",
    "zeta",
    "alpha",
    "mha",
    "bi",
    "each",
    "stack",
    "head",
]


def values(folder: Path) -> dict[str, list[Any]]:
    """Each top-level layer's weights as the framework lists them."""
    found: dict[str, list[Any]] = {}
    with np.load(folder / "arrays.npz") as table:
        for key in table.files:
            found.setdefault(key.split("#")[0], []).append(table[key])
    return found


def by_layer(found: Checkpoint) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for path, refs in found.groups.items():
        grouped.setdefault(path.split("/")[0], []).extend(ref.read() for ref in refs)
    return grouped


@pytest.mark.parametrize(("folder", "name"), EVERY)
def test_every_layer_has_its_weights_in_keras_order(folder: str, name: str, request: pytest.FixtureRequest) -> None:
    made = request.getfixturevalue(folder)
    found = open_checkpoint(made / name)
    assert (found.format, found.framework, found.unsafe) == (FILES[folder][name], "keras", ())
    expected = values(made)
    grouped = by_layer(found)
    assert grouped.keys() == expected.keys()
    for layer, arrays in expected.items():
        assert len(grouped[layer]) == len(arrays), layer
        # The old format puts trainable weights first; without a config nothing says how a stack's cells follow.
        if layer == "inner" or (layer == "stack" and found.config is None):
            key = lambda a: (a.shape, a.tobytes())  # noqa: E731
            arrays, grouped[layer] = sorted(arrays, key=key), sorted(grouped[layer], key=key)  # noqa: PLW2901
        for left, right in zip(grouped[layer], arrays, strict=True):
            np.testing.assert_array_equal(left, right, err_msg=layer)
    assert sum(map(len, found.groups.values())) == len(found.tensors)


@pytest.mark.parametrize(
    ("folder", "name"), [("keras3", "net.keras"), ("keras3", "net.h5"), ("keras2", "net.keras"), ("keras2", "net.h5")]
)
def test_groups_are_the_users_layers_in_the_models_order(
    folder: str, name: str, request: pytest.FixtureRequest
) -> None:
    found = open_checkpoint(request.getfixturevalue(folder) / name)
    assert sorted(found.groups) == sorted(LAYERS)
    if name == "net.keras":
        assert list(found.groups) == LAYERS
    assert [ref.name for ref in found.groups["inner/bn"]] == [
        f"inner/bn/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")
    ]
    assert [ref.name for ref in found.groups["stem"]] == ["stem/kernel", "stem/bias"]
    assert [ref.name for ref in found.groups["inner/d2"]] == ["inner/d2/kernel"]
    assert found.config is not None
    assert found.config["config"]["name"] == "net"
    assert found.extras[0] == "compile configuration"
    assert any(words.startswith("optimizer state") for words in found.extras)


def test_names_are_the_same_in_every_format_of_keras_3(keras3: Path) -> None:
    found = open_checkpoint(keras3 / "net.keras").tensors
    assert found.keys() == open_checkpoint(keras3 / "net.h5").tensors.keys()
    assert {
        "mha/query/kernel",
        "mha/attention_output/bias",
        "bi/backward_lstm/lstm_cell/recurrent_kernel",
    } <= found.keys()
    for name, ref in open_checkpoint(keras3 / "net.h5").tensors.items():
        np.testing.assert_array_equal(ref.read(), found[name].read(), err_msg=name)


def test_weights_without_a_config_go_by_the_names_inside(keras3: Path) -> None:
    found = open_checkpoint(keras3 / "net.weights.h5")
    assert sorted(found.groups) == sorted(LAYERS)
    assert "inner/deep/low/kernel" in found.tensors


def halved(found: Checkpoint) -> dict[str, Any]:
    return {name: np.asfortranarray(ref.read() / 2) for name, ref in found.tensors.items()}


@pytest.mark.parametrize(("folder", "name"), EVERY)
def test_a_rewrite_reads_back_and_keeps_the_rest(
    folder: str, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source = request.getfixturevalue(folder) / name
    found = open_checkpoint(source)
    before = source.read_bytes()
    new = halved(found)
    found.rewrite(tmp_path / name, iter(new.items()))
    assert source.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]
    again = open_checkpoint(tmp_path / name)
    assert list(again.tensors) == list(found.tensors)
    assert (again.config, again.extras) == (found.config, found.extras)
    for key, value in new.items():
        np.testing.assert_array_equal(again.tensors[key].read(), value)
    old = contents(source)
    changed = [path for path, data in contents(tmp_path / name).items() if data != old[path]]
    assert len(changed) == len(new)


@pytest.mark.parametrize(("folder", "name"), EVERY)
def test_a_rewrite_with_another_architecture_changes_that_alone(
    folder: str, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source = request.getfixturevalue(folder) / name
    found = open_checkpoint(source)
    if found.config is None:
        with pytest.raises(Unsupported, match="no architecture"):
            found.rewrite(tmp_path / name, [], {"class_name": "Sequential"})
        return
    new = with_settings(found.config, [("inner/bn", ("epsilon",), 0.25), ("drop", ("rate",), 0.75)])
    found.rewrite(tmp_path / name, [], new)
    again = open_checkpoint(tmp_path / name)
    assert again.config == new != found.config
    assert (again.setting("inner/bn", ["epsilon"]), again.setting("drop", ["rate"])) == (0.25, 0.75)
    old, changed = contents(source), contents(tmp_path / name)
    assert [path for path in old if old[path] != changed[path]] == [
        "config.json" if found.format == Format.KERAS else "@"
    ]
    assert [key for key, value in old["@"].items() if changed["@"][key] != value] in ([], ["model_config"])
    assert old.keys() == changed.keys()
    with pytest.raises(Mismatch, match="does not keep"):
        again.setting("drop", ["p"])


def contents(path: Path) -> dict[str, Any]:
    """Every attribute, dataset and other member of a file."""
    found: dict[str, Any] = {}
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name != "model.weights.h5":
                    found[name] = archive.read(name)
            with archive.open("model.weights.h5") as member, h5py.File(member) as file:
                found |= inside(file)
    else:
        with h5py.File(path) as file:
            found |= inside(file)
    return found


def inside(file: h5py.File) -> dict[str, Any]:
    found: dict[str, Any] = {"@": {key: str(value) for key, value in file.attrs.items()}}

    def visit(name: str, item: Any) -> None:
        found[f"{name}@"] = {key: str(value) for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item[()]).tobytes()

    file.visititems(visit)
    return found


@pytest.mark.parametrize("name", list(FILES["keras3"]))
@pytest.mark.filterwarnings("ignore")
def test_keras_3_loads_the_new_values(name: str, keras3: Path, keras: Any, tmp_path: Path) -> None:
    found = open_checkpoint(keras3 / name)
    found.rewrite(tmp_path / name, halved(found).items())
    if name == "net.weights.h5":
        model = keras.saving.load_model(keras3 / "net.keras")
        model.load_weights(tmp_path / name)
    else:
        # Keras 3 cannot read back the "mse" that it writes into an old file's compile configuration.
        model = keras.saving.load_model(tmp_path / name, compile=name != "net.h5")
    for layer, arrays in values(keras3).items():
        for left, right in zip(model.get_layer(layer).get_weights(), arrays, strict=True):
            np.testing.assert_array_equal(left, right / 2, err_msg=layer)
    if name == "net.keras":
        assert model.optimizer.iterations.numpy() == 1


def test_keras_2_loads_the_new_values(keras2: Path, tmp_path: Path) -> None:
    for name in FILES["keras2"]:
        found = open_checkpoint(keras2 / name)
        found.rewrite(tmp_path / name, halved(found).items())
    code = (
        "import sys, numpy as np, tf_keras\n"
        "folder, made = sys.argv[1:]\n"
        "table = np.load(f'{made}/arrays.npz')\n"
        "def check(model):\n"
        "    for layer in model.layers:\n"
        "        for index, value in enumerate(layer.weights):\n"
        "            assert np.array_equal(value, table[f'{layer.name}#{index}'] / 2), (layer.name, index)\n"
        "for name in ('net.keras', 'net.h5'):\n"
        "    check(tf_keras.models.load_model(f'{folder}/{name}'))\n"
        "model = tf_keras.models.load_model(f'{made}/net.h5')\n"
        "model.load_weights(f'{folder}/weights.h5')\n"
        "check(model)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path), str(keras2)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_value_of_another_shape_is_refused(keras3: Path, tmp_path: Path) -> None:
    with pytest.raises(Mismatch):
        open_checkpoint(keras3 / "net.h5").rewrite(tmp_path / "x.h5", [("stem/bias", np.zeros(7, "float32"))])


def test_a_bit_flipped_in_the_weights_is_noticed(keras3: Path, tmp_path: Path) -> None:
    from homolog.errors import Unreadable

    data = bytearray((keras3 / "net.keras").read_bytes())
    kernel = open_checkpoint(keras3 / "net.keras").tensors["stem/kernel"].read().tobytes()
    data[data.index(kernel)] ^= 1
    (tmp_path / "x.keras").write_bytes(data)
    with pytest.raises(Unreadable, match="checksum"):
        open_checkpoint(tmp_path / "x.keras").tensors["stem/kernel"].read()


def test_other_members_are_kept_and_never_unpacked(keras3: Path, tmp_path: Path) -> None:
    path = tmp_path / "in" / "x.keras"
    path.parent.mkdir()
    path.write_bytes((keras3 / "net.keras").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../escaped", b"1")
        archive.writestr("assets/words.txt", b"one two")
    found = open_checkpoint(path)
    assert "1 asset" in found.extras
    found.rewrite(tmp_path / "y.keras", [("stem/bias", np.zeros(6, "float32"))])
    with zipfile.ZipFile(tmp_path / "y.keras") as archive:
        assert archive.read("../escaped") == b"1"
        assert archive.read("assets/words.txt") == b"one two"
    assert not (tmp_path / "escaped").exists()


def test_lambda_layers_are_reported_and_not_run(tmp_path: Path, keras3: Path) -> None:
    with zipfile.ZipFile(keras3 / "net.keras") as old, zipfile.ZipFile(tmp_path / "x.keras", "w") as new:
        config = json.loads(old.read("config.json"))
        config["config"]["layers"].append(
            {"class_name": "Lambda", "config": {"name": "evil", "function": {"class_name": "__lambda__", "config": {}}}}
        )
        new.writestr("config.json", json.dumps(config))
        new.writestr("model.weights.h5", old.read("model.weights.h5"))
    found = open_checkpoint(tmp_path / "x.keras")
    assert found.unsafe == ("Lambda in evil",)
    assert list(found.groups) == LAYERS


@pytest.mark.filterwarnings("ignore")
def test_bfloat16_and_seeds_and_subclassed_models(keras: Any, tmp_path: Path) -> None:
    from homolog.tensors import same_bits

    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, dtype="bfloat16", name="half"), layers.Dropout(0.5, name="drop")]
    )
    model.save(tmp_path / "half.keras")
    found = open_checkpoint(tmp_path / "half.keras")
    assert found.tensors["half/kernel"].dtype == "bfloat16"
    new = np.asarray(found.tensors["half/kernel"].read())[:, ::-1]
    found.rewrite(tmp_path / "new.keras", [("half/kernel", new)])
    assert same_bits(open_checkpoint(tmp_path / "new.keras").tensors["half/kernel"].read(), np.ascontiguousarray(new))
    loaded = keras.saving.load_model(tmp_path / "new.keras")
    assert same_bits(np.asarray(loaded.layers[0].kernel), np.ascontiguousarray(new))

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [layers.Dense(3), layers.Dense(2)]
            self.last = layers.Dense(5)

        def call(self, x: Any) -> Any:
            for block in self.blocks:
                x = block(x)
            return self.last(x)

    net = Net()
    net(np.ones((1, 4), "float32"))
    net.save_weights(tmp_path / "net.weights.h5")
    found = open_checkpoint(tmp_path / "net.weights.h5")
    assert list(found.groups) == ["blocks/dense", "blocks/dense_1", "last"]
    assert found.groups["blocks/dense_1"][0].shape == (3, 2)
