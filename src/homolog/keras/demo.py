"""LeNet-5 in Keras, trained on handwritten digits: the original of the other half of the demo."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homolog.demo.data import Digits
from homolog.demo.wing import BATCH, Progress, Trained
from homolog.keras.framework import require
from homolog.keras.run import LiveKeras, load

if TYPE_CHECKING:
    import keras

PREDICT_AT_ONCE = 1000


def train(digits: Digits, folder: Path, *, epochs: int, seed: int, progress: Progress) -> Trained:
    """Trains LeNet-5 and saves it as ``lenet5.h5`` and ``lenet5.keras``; ``progress`` hears of every batch."""
    keras = require()

    started = perf_counter()
    keras.utils.set_random_seed(seed)
    network = lenet5()
    network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    total = epochs * -(-len(digits.train_images) // BATCH)
    done = 0

    def count(batch: int, logs: object) -> None:
        nonlocal done
        done += 1
        progress("Keras", done, total)

    network.fit(
        digits.train_images[..., None],  # (n, 28, 28, 1): channels last
        digits.train_labels,
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=count)],
    )

    paths = (folder / "lenet5.h5", folder / "lenet5.keras")
    for path in paths:
        save(network, path)
    seconds = perf_counter() - started
    return Trained("Keras", accuracy(paths[0], digits.test_images, digits.test_labels), paths, seconds)


def outputs(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The probabilities (n, 10) that the model in ``path`` gives to ``images`` (n, 28, 28)."""
    network = load(path)
    batches = np.array_split(images[..., None], -(-len(images) // PREDICT_AT_ONCE))
    return np.concatenate([network.run([batch]).outputs[0] for batch in batches]).astype(np.float32)


def accuracy(path: Path, images: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The share of ``images`` (n, 28, 28) whose likeliest class is the one in ``labels`` (n,)."""
    return float(np.mean(outputs(path, images).argmax(axis=1) == labels))


def lenet5() -> keras.Sequential:
    """An untrained LeNet-5: images (n, 28, 28, 1) to probabilities (n, 10)."""
    keras = require()
    layers = keras.layers

    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(6, kernel_size=5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, kernel_size=5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(120, kernel_size=5, activation="tanh"),
            layers.Flatten(),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def save(network: keras.Model, path: Path) -> None:
    """Writes the model in the format that the name of ``path`` asks for."""
    LiveKeras(network).save(path, "keras-h5" if path.suffix == ".h5" else "keras")
