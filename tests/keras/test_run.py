"""A live Keras model: run, watched, filled, saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog.errors import Mismatch, Unreadable, Usage
from homolog.keras.run import LiveKeras, load
from homolog.live import BEFORE_ACTIVATION
from twins import PAIRS

IMAGES = np.random.default_rng(0).standard_normal((2, 18, 14, 1)).astype(np.float32)


@pytest.fixture
def live() -> LiveKeras:
    return LiveKeras(PAIRS["digits"].keras())


def test_activations_are_seen_and_the_model_is_left_alone(live: LiveKeras) -> None:
    model: Any = live.model
    kept = [dict(vars(layer)) for layer in model.layers]
    names = [layer.name for layer in model.layers if layer.weights]

    run = live.run([IMAGES], [names[0], f"{names[0]}{BEFORE_ACTIVATION}", names[-1]])

    linear, after = run.activations[f"{names[0]}{BEFORE_ACTIVATION}"], run.activations[names[0]]
    assert linear.min() < 0
    np.testing.assert_array_equal(np.maximum(linear, 0), after)
    np.testing.assert_array_equal(run.activations[names[-1]], run.outputs[0])
    for layer, before in zip(model.layers, kept, strict=True):
        assert vars(layer).keys() == before.keys()
        assert vars(layer).get("activation") is before.get("activation")
    assert not live.run([IMAGES]).activations


def test_the_model_is_put_back_when_it_fails(live: LiveKeras) -> None:
    model: Any = live.model
    name = model.layers[0].name

    with pytest.raises(Exception, match=r".+"):
        live.run([IMAGES[..., :0]], [name, f"{name}{BEFORE_ACTIVATION}"])

    assert "call" not in vars(model.layers[0])
    assert live.run([IMAGES]).outputs[0].shape == (2, 10)


def test_dropout_is_off_and_statistics_stay() -> None:
    live = LiveKeras(PAIRS["resnet"].keras())
    before = {name: ref.read().copy() for name, ref in live.tensors().items()}
    images = np.random.default_rng(0).standard_normal((3, 13, 11, 3)).astype(np.float32)

    first, second = live.run([images]).outputs[0], live.run([images]).outputs[0]

    np.testing.assert_array_equal(first, second)
    assert all(np.array_equal(ref.read(), before[name]) for name, ref in live.tensors().items())


def test_several_inputs_and_outputs_come_in_order() -> None:
    live = LiveKeras(PAIRS["two_in_two_out"].keras())

    outputs = live.run([np.zeros((2, 5, 4, 3), np.float32), np.zeros((2, 5), np.float32)]).outputs

    assert [array.shape for array in outputs] == [(2, 7), (2, 1)]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("nothing", np.zeros((10,), np.float32)),
        ("dense/bias", np.zeros((11,), np.float32)),
        ("dense/bias", np.zeros((10,), np.float16)),
        ("dense/bias", np.zeros((10,), np.int32)),
    ],
)
def test_filling_takes_the_very_tensor(live: LiveKeras, name: str, array: Any) -> None:
    last = list(live.tensors())[-1]  # dense_N/bias, N being how many there were before

    with pytest.raises(Mismatch):
        live.fill([(last if name == "dense/bias" else name, array)])


def test_tensors_are_those_of_the_model_by_layer(live: LiveKeras) -> None:
    refs = live.tensors()
    assert [name for names in live.groups().values() for name in names] == list(refs)
    kernel = next(name for name in refs if name.endswith("kernel"))

    live.fill([(kernel, np.full(refs[kernel].shape, 3, np.float32))])

    assert set(refs[kernel].read().flat) == {3}
    assert refs[kernel].trainable


def test_saving_needs_a_format_of_keras(live: LiveKeras, tmp_path: Path) -> None:
    with pytest.raises(Usage):
        live.save(tmp_path / "x.pt", "torch-state")


def test_weights_of_another_model_are_refused(live: LiveKeras, tmp_path: Path) -> None:
    PAIRS["lenet"].keras().save_weights(tmp_path / "other.weights.h5")

    with pytest.raises(Mismatch, match="Keras cannot load these weights"):
        live.load_weights(tmp_path / "other.weights.h5")


def test_what_keras_cannot_load_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "x.keras").write_bytes(b"no zip")

    with pytest.raises(Unreadable, match="Keras cannot load"):
        load(tmp_path / "x.keras")


def by_name() -> Any:
    import keras

    taken = {name: keras.Input((3,), name=name) for name in ("zeta", "alpha")}
    return keras.Model(taken, {"z": taken["zeta"] - taken["alpha"], "a": taken["alpha"] * 2})


def test_inputs_by_name_and_in_the_order_in_which_the_model_takes_them() -> None:
    live = LiveKeras(by_name())
    alpha, zeta = np.ones((2, 3), np.float32), np.full((2, 3), 5, np.float32)

    for inputs in ({"zeta": zeta, "alpha": alpha}, [alpha, zeta]):
        run = live.run(inputs)
        assert dict(zip(run.names, (float(array[0, 0]) for array in run.outputs), strict=True)) == {"z": 4, "a": 2}
    assert live.arguments() is None


def test_the_graph_gives_outputs_in_the_order_of_a_run() -> None:
    import keras

    class Own(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.relu(x)

    taken = keras.Input((3,))
    for layer in (keras.layers.ReLU(), Own()):
        narrow, wide = keras.layers.Dense(2)(taken), keras.layers.Dense(4)(layer(taken))
        live = LiveKeras(keras.Model(taken, {"wide": wide, "narrow": narrow}))
        graph = live.graph()
        told = [graph.nodes[value.node].weights["weight"].shape[0] for value in graph.outputs]
        run = live.run([np.ones((2, 3), np.float32)])
        assert told == [array.shape[1] for array in run.outputs]
