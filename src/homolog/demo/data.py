"""Handwritten digits: the set bundled with scikit-learn, or MNIST where the user has its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homolog.demo.mnist import read_mnist
from homolog.errors import MissingFramework

SIDE = 28
"""Pixels along each edge of an image that LeNet-5 reads."""

TEST_SHARE = 0.2
SPLIT_SEED = 0  # fixed, whatever the seed of the training: accuracies of two runs are over the same digits


@dataclass(frozen=True)
class Digits:
    """Images and what they show.

    Attributes:
        train_images: (n, 28, 28) float32, 0 paper to 1 ink.
        train_labels: (n,) int64, 0 to 9.
        test_images: (m, 28, 28) float32.
        test_labels: (m,) int64.
        origin: where they are from, in words.
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    origin: str

    def __str__(self) -> str:
        return f"{len(self.train_labels)} to train on, {len(self.test_labels)} to test with: {self.origin}"

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {"train": len(self.train_labels), "test": len(self.test_labels), "origin": self.origin}


def digits(mnist: Path | None = None) -> Digits:
    """The digits bundled with scikit-learn, or the MNIST files in the folder ``mnist``.

    The bundled ones (1797 images of 8×8) are scaled to 28×28 by bilinear interpolation, and a fifth of each class
    is set apart for testing.
    """
    if mnist is not None:
        parts = read_mnist(mnist)
        return Digits(
            _unit(parts.train_images, 255),
            parts.train_labels.astype(np.int64),
            _unit(parts.test_images, 255),
            parts.test_labels.astype(np.int64),
            origin=f"MNIST, {mnist}",
        )
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ModuleNotFoundError as error:
        raise MissingFramework(
            "the demo's digits come with scikit-learn, which is not installed",
            help="pip install 'homolog[demo]', or give the MNIST files: homolog demo --mnist FOLDER",
        ) from error

    bundled = load_digits()
    images = stretch(_unit(bundled.images, 16), SIDE)
    labels = bundled.target.astype(np.int64)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, test_size=TEST_SHARE, random_state=SPLIT_SEED, stratify=labels
    )
    origin = f"scikit-learn's digits, 8×8 scaled to {SIDE}×{SIDE}"
    return Digits(train_images, train_labels, test_images, test_labels, origin)


def stretch(images: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Square ``images`` (n, s, s) scaled to (n, side, side) by bilinear interpolation, corner to corner."""
    before = images.shape[-1]
    positions = np.linspace(0, before - 1, side)
    # Interpolation is linear: what it makes of the unit vectors is its matrix (side, s), for rows and columns alike.
    matrix = np.stack([np.interp(positions, np.arange(before), unit) for unit in np.eye(before)], axis=1)
    return (matrix @ images @ matrix.T).astype(np.float32)


def _unit(images: NDArray[np.generic], ink: int) -> NDArray[np.float32]:
    """Brightness 0..ink as 0..1."""
    return images.astype(np.float32) / np.float32(ink)
