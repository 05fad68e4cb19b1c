"""TensorFlow's checkpoints, with TensorFlow itself as the judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import HomologError, Unreadable
from homolog.files import Format, open_checkpoint

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

_END = "/.ATTRIBUTES/VARIABLE_VALUE"


def network() -> Any:
    layers = [
        keras.layers.Input((8, 8, 3)),
        keras.layers.Conv2D(4, 3, name="c"),
        keras.layers.BatchNormalization(name="n"),
    ]
    model = keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(5, name="d")], name="s")
    for value in model.variables:
        value.assign(np.random.default_rng(value.shape[-1]).normal(size=value.shape))
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A model, and its checkpoint with an optimizer, and as a SavedModel."""
    folder, model = tmp_path_factory.mktemp("tf"), network()
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    tf.train.Checkpoint(model=model).write(str(folder / "ckpt"))
    model.export(str(folder / "exported"), verbose=False)
    return model, folder


@pytest.mark.parametrize("name", ["ckpt", "ckpt.index", "exported"])
def test_every_variable_of_the_model_is_there_under_its_own_name(name: str, saved: tuple[Any, Path]) -> None:
    model, folder = saved
    found = open_checkpoint(folder / name)
    assert (found.format, found.framework) == (Format.TENSORFLOW, "keras")
    expected = {
        value.path if value.path.startswith("s/") else f"s/{value.path}": value.numpy() for value in model.variables
    }
    assert set(found.tensors) == set(expected)
    assert all(np.array_equal(ref.read(), expected[key]) for key, ref in found.tensors.items())
    assert set(found.groups) == {"s/c", "s/n", "s/d"}
    if name == "exported":  # an optimizer lists what it trains by itself
        assert list(found.tensors) == list(expected)
    assert any("state of training" in extra for extra in found.extras) == (name != "exported")


def test_every_element_type_is_read_as_tensorflow_reads_it(tmp_path: Path) -> None:
    kinds = (
        tf.float16,
        tf.bfloat16,
        tf.float32,
        tf.float64,
        tf.int8,
        tf.int32,
        tf.int64,
        tf.uint8,
        tf.bool,
        tf.complex64,
    )
    values = {kind.name: tf.Variable(tf.cast(tf.reshape(tf.range(6), (2, 3)), kind)) for kind in kinds}
    tf.train.Checkpoint(**values, empty=tf.Variable(tf.zeros((0, 4))), scalar=tf.Variable(2.5)).write(
        str(tmp_path / "x")
    )
    judge = tf.train.load_checkpoint(str(tmp_path / "x"))
    found = open_checkpoint(tmp_path / "x")
    keys = {key.removesuffix(_END) for key in judge.get_variable_to_shape_map() if key.endswith(_END)}
    assert set(found.tensors) == keys
    for name, ref in found.tensors.items():
        assert np.array_equal(ref.read(), judge.get_tensor(name + _END))


def test_a_checkpoint_of_tensorflow_1_has_its_own_names(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("dense/kernel", initializer=np.ones((2, 3), "f4"))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(tmp_path / "model.ckpt"))
    assert {name: ref.shape for name, ref in open_checkpoint(tmp_path / "model.ckpt").tensors.items()} == {
        "dense/kernel": (2, 3)
    }


def test_47_a_flipped_bit_is_found_in_the_index_and_in_the_values(tmp_path: Path) -> None:
    tf.train.Checkpoint(a=tf.Variable(np.arange(1000.0)), b=tf.Variable([1.0])).write(str(tmp_path / "x"))
    index, data = tmp_path / "x.index", tmp_path / "x.data-00000-of-00001"
    sound = index.read_bytes()
    for at in range(0, len(sound) - 60, 7):
        index.write_bytes(sound[:at] + bytes([sound[at] ^ 4]) + sound[at + 1 :])
        try:
            found = open_checkpoint(index)
        except HomologError:
            continue
        # A block that nobody reads, or the padding behind it.
        assert {name: ref.shape for name, ref in found.tensors.items()} == {"a": (1000,), "b": (1,)}
    index.write_bytes(sound)
    values = bytearray(data.read_bytes())
    values[4000] ^= 1
    data.write_bytes(values)
    with pytest.raises(Unreadable, match="checksum"):
        open_checkpoint(index).tensors["a"].read()


@pytest.mark.parametrize("kept", [0, 0.3, 0.95])
def test_a_cut_file_is_refused(kept: float, tmp_path: Path) -> None:
    tf.train.Checkpoint(a=tf.Variable(np.arange(1000.0))).write(str(tmp_path / "x"))
    for name in ("x.index", "x.data-00000-of-00001"):
        sound = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(sound[: int(kept * len(sound))])
        with pytest.raises(Unreadable):
            open_checkpoint(tmp_path / "x.index")
        (tmp_path / name).write_bytes(sound)
    (tmp_path / "x.data-00000-of-00001").unlink()
    with pytest.raises(Unreadable):
        open_checkpoint(tmp_path / "x")


def test_the_variables_of_a_saved_model_can_be_copied_from(saved: tuple[Any, Path], tmp_path: Path) -> None:
    model, folder = saved
    twin = network()
    for value in twin.variables:
        value.assign(np.zeros(value.shape))
    twin.save(tmp_path / "twin.keras")
    homolog.copy(folder / "exported", tmp_path / "twin.keras", run=False).save(tmp_path / "out.keras")
    assert homolog.compare(folder / "exported", tmp_path / "out.keras").same
    loaded = keras.models.load_model(tmp_path / "out.keras")
    assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(loaded.variables, model.variables, strict=True))
