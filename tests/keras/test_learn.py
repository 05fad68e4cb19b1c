"""Gradients and training of a Keras model, on every backend; the model stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog.keras.run import LiveKeras
from homolog.live import Lesson

X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


def dense() -> Any:
    import keras

    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def test_the_gradient_is_that_of_the_weighed_outputs_and_in_float64() -> None:
    weights = np.random.default_rng(1).standard_normal((4, 2))

    found = LiveKeras(dense()).gradients([X], [weights])

    assert found.precision == "float64"
    kernel, bias = found.arrays.values()
    np.testing.assert_allclose(kernel, X.astype(float).T @ weights, rtol=1e-12)
    np.testing.assert_allclose(bias, weights.sum(0), rtol=1e-12)


def test_a_step_moves_against_the_gradient_by_the_rate() -> None:
    live = LiveKeras(dense())
    names = list(live.tensors())
    kernel, bias = (ref.read().astype(float) for ref in live.tensors().values())

    trained = live.train(Lesson([X], [np.zeros((4, 2))], steps=1, rate=0.5, shares={names[1]: 0.0}))

    off = X.astype(float) @ kernel + bias
    np.testing.assert_allclose(trained.arrays[names[0]], kernel - 0.5 * (X.T @ off) / 8, rtol=1e-12)
    np.testing.assert_array_equal(trained.arrays[names[1]], bias)
    assert trained.losses == pytest.approx([float((off**2).mean() / 2)])


def test_nothing_is_done_at_random_and_no_seed_moves() -> None:
    import keras

    layers = keras.layers
    random = [layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.LSTM(3, recurrent_dropout=0.5)]
    model = keras.Sequential([keras.Input((5, 3)), *random])
    live = LiveKeras(model)
    before = {name: ref.read().copy() for name, ref in live.tensors().items()}
    lesson = Lesson([np.ones((4, 5, 3), np.float32)], [np.ones((4, 3))], steps=2)

    one, two = live.train(lesson), live.train(lesson)

    assert one.losses == two.losses
    assert len(one.silenced) == 3
    assert all(np.array_equal(ref.read(), before[name]) for name, ref in live.tensors().items())
    assert not any("call" in vars(layer) for layer in model.layers)


CHECK = """
from homolog.proof import gradients, training
from proof.test_gradients import subjects_of
from twins import PAIRS
for name in ("nested", "text"):
    one, two = PAIRS[name].torch(), PAIRS[name].keras()
    subjects = subjects_of(one, two, carry_config=True)
    for part in (gradients.check(subjects), training.check(subjects, 2)):
        assert part.passed, part
        assert part.figures["precision"] == "float32", part
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_other_backends_differentiate_in_float32(backend: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root / "src"), str(root / "tests"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path}

    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stderr[-2000:]
