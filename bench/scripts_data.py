"""A folder as Keras keeps its data sets in, filled with small data that is at hand: scikit-learn's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homolog.demo.data import digits

BRIGHT = 0.5


def write_datasets(home: Path) -> None:
    """Write ``mnist.npz``, ``imdb.npz`` and ``california_housing.npz`` into ``home/datasets``.

    The digits are scikit-learn's, 8×8 scaled to 28×28. A review is the list of the bright pixels of a digit, and
    praises if the digit is a 5 or above: it has as many words as there is ink. The houses are scikit-learn's patients,
    eight figures each, and what became of them.
    """
    folder = home / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    found = digits()
    parts = {"train": (found.train_images, found.train_labels), "test": (found.test_images, found.test_labels)}
    images = {f"x_{name}": np.round(x * 255).astype("uint8") for name, (x, _) in parts.items()}
    labels = {f"y_{name}": y.astype("uint8") for name, (_, y) in parts.items()}
    np.savez_compressed(folder / "mnist.npz", **images, **labels)
    reviews = {f"x_{name}": _reviews(x) for name, (x, _) in parts.items()}
    praise = {f"y_{name}": (y >= 5).astype("int64") for name, (_, y) in parts.items()}
    np.savez_compressed(folder / "imdb.npz", **reviews, **praise)
    x, y = _houses()
    np.savez_compressed(folder / "california_housing.npz", x=x, y=y)


def _reviews(images: NDArray[np.float32]) -> NDArray[np.object_]:
    """For each digit, made small, the places of its bright pixels, as lists of different lengths."""
    small = images[:, ::3, ::3].reshape(len(images), -1)
    reviews = np.empty(len(images), dtype=object)
    for place, pixels in enumerate(small):
        reviews[place] = [int(word) + 1 for word in np.flatnonzero(pixels > BRIGHT)]
    return reviews


def _houses() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from sklearn.datasets import load_diabetes

    found = load_diabetes(scaled=False)
    return found.data[:, :8].astype("float64"), found.target.astype("float64")
