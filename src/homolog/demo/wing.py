"""What the demo asks of each framework, in the same words.

``homolog.pytorch.demo`` and ``homolog.keras.demo`` are two modules of this one shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from homolog.demo.data import Digits

Progress = Callable[[str, int, int], None]
"""Told (label, done, total) after each piece of work."""

BATCH = 32
"""Images a training step sees, in both frameworks."""


@dataclass(frozen=True)
class Trained:
    """A trained LeNet-5, on disk.

    Attributes:
        framework: ``PyTorch`` or ``Keras``.
        accuracy: the share of test digits that the first of ``paths``, loaded again, gets right.
        paths: the files written; each holds the same network.
        seconds: how long the training took, without loading the framework.
    """

    framework: str
    accuracy: float
    paths: tuple[Path, ...]
    seconds: float

    def __str__(self) -> str:
        names = " and ".join(str(path) for path in self.paths)
        return f"{self.seconds:.1f} s, test accuracy {self.accuracy:.4f}, saved as {names}"

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "framework": self.framework,
            "accuracy": self.accuracy,
            "paths": [str(path) for path in self.paths],
            "seconds": self.seconds,
        }


class Wing(Protocol):
    """One framework's half of the demo."""

    def train(self, digits: Digits, folder: Path, *, epochs: int, seed: int, progress: Progress) -> Trained:
        """Trains LeNet-5 and saves it into ``folder``; ``progress`` hears of every batch."""

    def outputs(self, path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities (n, 10) that the network in ``path`` gives to ``images`` (n, 28, 28)."""

    def accuracy(self, path: Path, images: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
        """The share of ``images`` (n, 28, 28) whose likeliest class is the one in ``labels`` (n,)."""
