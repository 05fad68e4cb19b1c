"""LeNet-5 in Keras, trained on handwritten digits: the original of the other half of the demo."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homolog.demo.data import Digits
from homolog.demo.wing import BATCH, Progress, Trained
from homolog.errors import MissingFramework

if TYPE_CHECKING:
    import keras

PREDICT_AT_ONCE = 1000


def train(digits: Digits, folder: Path, *, epochs: int, seed: int, progress: Progress) -> Trained:
    """Trains LeNet-5 and saves it as ``lenet5.h5`` and ``lenet5.keras``; ``progress`` hears of every batch."""
    _require_keras()
    import keras

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
    _require_keras()
    import keras

    network = keras.saving.load_model(path, compile=False, safe_mode=True)
    probabilities: NDArray[np.float32] = network.predict(images[..., None], batch_size=PREDICT_AT_ONCE, verbose=0)
    return probabilities


def accuracy(path: Path, images: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The share of ``images`` (n, 28, 28) whose likeliest class is the one in ``labels`` (n,)."""
    return float(np.mean(outputs(path, images).argmax(axis=1) == labels))


def lenet5() -> keras.Sequential:
    """An untrained LeNet-5: images (n, 28, 28, 1) to probabilities (n, 10)."""
    _require_keras()
    import keras
    from keras import layers

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
    with _no_word_on_legacy_hdf5():
        network.save(path)


@contextmanager
def _no_word_on_legacy_hdf5() -> Iterator[None]:
    """Holds back Keras's advice against ``.h5``: the demo writes that format on purpose, beside the new one."""

    def keep(record: logging.LogRecord) -> bool:
        return "HDF5" not in record.getMessage()

    logger = logging.getLogger("absl")
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def _require_keras() -> None:
    """Imports Keras on TensorFlow, without the words that TensorFlow has for instruction sets and absent GPUs."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _stderr_to_nowhere():
            import keras  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingFramework(
            "the demo needs Keras and TensorFlow, which are not installed", help="pip install 'homolog[demo]'"
        ) from error


@contextmanager
def _stderr_to_nowhere() -> Iterator[None]:
    """Silences file descriptor 2, which C++ writes to: TensorFlow speaks there before it has read its log level."""
    before = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
