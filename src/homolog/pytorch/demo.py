"""LeNet-5 in PyTorch, trained on handwritten digits: the original of one half of the demo."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homolog.demo.data import Digits
from homolog.demo.wing import BATCH, Progress, Trained
from homolog.pytorch.framework import require
from homolog.pytorch.run import load

if TYPE_CHECKING:
    from torch import nn

PREDICT_AT_ONCE = 1000


def train(digits: Digits, folder: Path, *, epochs: int, seed: int, progress: Progress) -> Trained:
    """Trains LeNet-5 and saves the whole module as ``lenet5.pt`` in ``folder``; ``progress`` hears of every batch.

    The network ends in a softmax, so its loss is the negative log-likelihood of the log of its output.
    ``nn.CrossEntropyLoss``, which stands in the tutorials, would apply a second softmax to these probabilities: its
    loss cannot fall below 1.46 for ten classes, and it trains another network than its Keras twin.
    """
    torch = require()
    nll_loss = torch.nn.functional.nll_loss

    started = perf_counter()
    images = torch.from_numpy(digits.train_images[:, None])  # (n, 1, 28, 28): channels first
    labels = torch.from_numpy(digits.train_labels)
    batches = -(-len(images) // BATCH)
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers go on as if nothing had happened
        torch.manual_seed(seed)
        network = lenet5()
        adam = torch.optim.Adam(network.parameters())
        for epoch in range(epochs):
            for batch, chosen in enumerate(torch.randperm(len(images)).split(BATCH)):
                # A probability that underflows to 0 has no logarithm.
                probabilities = network(images[chosen]).clamp_min(torch.finfo(torch.float32).tiny)
                loss = nll_loss(probabilities.log(), labels[chosen])
                adam.zero_grad()
                loss.backward()
                adam.step()
                progress("PyTorch", epoch * batches + batch + 1, epochs * batches)

    path = folder / "lenet5.pt"
    save(network, path)
    seconds = perf_counter() - started
    return Trained("PyTorch", accuracy(path, digits.test_images, digits.test_labels), (path,), seconds)


def outputs(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The probabilities (n, 10) that the whole module in ``path`` gives to ``images`` (n, 28, 28)."""
    torch = require()

    network = load(path).model.eval()
    with torch.inference_mode():
        batches = torch.from_numpy(images[:, None]).split(PREDICT_AT_ONCE)
        return np.concatenate([network(batch).numpy() for batch in batches])


def accuracy(path: Path, images: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The share of ``images`` (n, 28, 28) whose likeliest class is the one in ``labels`` (n,)."""
    return float(np.mean(outputs(path, images).argmax(axis=1) == labels))


def lenet5() -> nn.Sequential:
    """An untrained LeNet-5: images (n, 1, 28, 28) to probabilities (n, 10)."""
    layers = require().nn
    network: nn.Sequential = layers.Sequential(
        layers.Conv2d(1, 6, kernel_size=5, padding=2),
        layers.Tanh(),
        layers.AvgPool2d(2),
        layers.Conv2d(6, 16, kernel_size=5),
        layers.Tanh(),
        layers.AvgPool2d(2),
        layers.Conv2d(16, 120, kernel_size=5),
        layers.Tanh(),
        layers.Flatten(),
        layers.Linear(120, 84),
        layers.Tanh(),
        layers.Linear(84, 10),
        layers.Softmax(dim=1),
    )
    return network


def save(network: nn.Module, path: Path) -> None:
    """Writes the whole module, ready to predict."""
    import torch

    torch.save(network.eval(), path)
