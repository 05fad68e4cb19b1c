"""Real files, written by the frameworks themselves, and the arrays that the frameworks say are in them."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Made:
    """A file, and what is in it."""

    path: Path
    arrays: Mapping[str, np.ndarray[Any, Any]]
    model: Any = None


def torch_net() -> Any:
    """Distinct axis lengths throughout; a buffer that is not saved; an activation stored as a function."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, (2, 5), stride=(1, 2)),
        nn.BatchNorm2d(4),
        nn.Sequential(nn.GELU("tanh"), nn.Linear(7, 6, bias=False)),
        nn.TransformerEncoderLayer(8, 2, 11, activation=torch.nn.functional.gelu),
    )
    net[1].register_buffer("scratch", torch.zeros(3), persistent=False)
    return net.eval()


def numpy_of(tensor: Any) -> np.ndarray[Any, Any]:
    """A torch tensor as numpy, by its bits, so that bfloat16 works too."""
    import ml_dtypes
    import torch

    tensor = tensor.detach().contiguous()
    if tensor.dtype is torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


@pytest.fixture(scope="session")
def torch_module(tmp_path_factory: pytest.TempPathFactory) -> Made:
    import torch

    net = torch_net()
    path = tmp_path_factory.mktemp("torch") / "net.pt"
    torch.save(net, path)
    return Made(path, {name: numpy_of(value) for name, value in net.state_dict().items()}, net)


@pytest.fixture(scope="session")
def torch_state(tmp_path_factory: pytest.TempPathFactory) -> Made:
    import torch

    net = torch_net()
    path = tmp_path_factory.mktemp("torch") / "state.pt"
    torch.save(net.state_dict(), path)
    return Made(path, {name: numpy_of(value) for name, value in net.state_dict().items()}, net)


_KERAS = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
legacy = sys.argv[2] == "tf_keras"
if legacy:
    import tf_keras as keras
else:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
layers, folder = keras.layers, sys.argv[1]
keras.utils.set_random_seed(0)

inputs = keras.Input((7, 5))
x = layers.Conv1D(6, 3, name="stem")(inputs)
x = layers.Dropout(0.1, name="drop")(x)
deep = keras.Sequential([layers.Dense(10, name="low")], name="deep")
inner = keras.Sequential([keras.Input((5, 6)), layers.Dense(8, name="d1"), layers.BatchNormalization(name="bn"), deep,
                          layers.Dense(9, use_bias=False, name="d2")], name="inner")
x = inner(x)
x = layers.Dense(9, name="zeta")(x)
x = layers.Dense(9, name="alpha")(x)
x = layers.MultiHeadAttention(2, 4, name="mha")(x, x)
x = layers.Bidirectional(layers.LSTM(3, return_sequences=True, name="lstm"), name="bi")(x)
x = layers.TimeDistributed(layers.Dense(11), name="each")(x)
x = layers.RNN([layers.GRUCell(4), layers.LSTMCell(5), layers.GRUCell(2)], name="stack")(x)
model = keras.Model(inputs, layers.Dense(2, name="head")(x), name="net")
model.compile("adam", "mse", run_eagerly=True)
for weight in model.weights:
    value = np.random.default_rng(len(weight.shape)).normal(size=weight.shape).astype("float32")
    weight.assign(value)
model.fit(np.ones((2, 7, 5), "float32"), np.ones((2, 2), "float32"), verbose=0)

model.save(f"{folder}/net.keras")
model.save(f"{folder}/net.h5")
if legacy:
    model.save_weights(f"{folder}/weights.h5")
else:
    model.save_weights(f"{folder}/net.weights.h5")
table = {}
for layer in model.layers:
    for index, weight in enumerate(layer.weights):
        table[f"{layer.name}#{index}"] = np.asarray(weight)
np.savez(f"{folder}/arrays.npz", **table)
"""


def _keras_folder(folder: Path, package: str) -> Path:
    # In a process of its own: tf_keras and Keras 3 each want the environment set before TensorFlow is imported.
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _KERAS, str(folder), package],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder


@pytest.fixture(scope="session")
def keras3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ``net.keras``, ``net.h5``, ``net.weights.h5`` and ``arrays.npz`` (``<layer>#<index>``) by Keras 3."""
    return _keras_folder(tmp_path_factory.mktemp("keras3"), "keras")


@pytest.fixture(scope="session")
def keras2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same by Keras 2: ``net.keras``, ``net.h5``, ``weights.h5`` and ``arrays.npz``."""
    return _keras_folder(tmp_path_factory.mktemp("keras2"), "tf_keras")


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras 3 on TensorFlow, imported late because it takes seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras
    return keras
