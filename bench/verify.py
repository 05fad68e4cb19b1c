"""How long ``verify`` takes, beside the forward passes that it cannot do without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench.figure import Broken, Figure

BOUND = 4
ROUNDS = 3
IMAGE, LENGTH, WIDTH, WORDS = 224, 128, 256, 5000


def convolutions(folder: Path) -> Figure:
    """A residual network of ResNet-50's size, written by hand in both."""
    module, model = _resnet50()
    random = np.random.default_rng(0)
    return _figure(
        "homolog.verify of a ResNet-50",
        module,
        model,
        lambda batch: (random.standard_normal((batch, 3, IMAGE, IMAGE)).astype(np.float32),),
    )


def transformer(folder: Path) -> Figure:
    """A small encoder."""
    module, model = _encoder()
    random = np.random.default_rng(0)
    return _figure(
        "homolog.verify of a small transformer",
        module,
        model,
        lambda batch: (random.integers(0, WORDS, (batch, LENGTH)),),
    )


BENCHMARKS: tuple[Callable[[Path], Figure], ...] = (convolutions, transformer)


def _figure(name: str, module: Any, model: Any, inputs: Callable[[int], tuple[Any, ...]]) -> Figure:
    """Verify, and both forward passes for the seeds and batches that outputs are compared on, in turns; medians.

    Whatever else ``verify`` runs (float64, other batch statistics, other sizes) is counted as its own time, not as
    passes that it needs.

    The forward passes are those of a user: the module without gradients, the model called in inference. Both networks
    are loaded and run once beforehand. How long the reading of both graphs takes is told beside, for it is the part
    that needs no forward pass and that a second verification would not need.
    """
    import homolog
    from homolog.proof.outputs import BATCHES, SEEDS
    from homolog.reading import read_both

    batches = [inputs(batch) for _, batch in zip(SEEDS, BATCHES, strict=True)]
    homolog.copy(module, into=model)
    proof = homolog.verify(module, model)
    compared = next((part.figures.get("inputs") for part in proof.parts if part.name == "outputs"), None)
    if not proof.passed or compared != len(batches):
        raise Broken(f"the proof is not the one that is measured: {compared} inputs; {proof}")
    seconds: dict[str, list[float]] = {"verify": [], "passes": [], "reading": []}
    for turn in range(ROUNDS + 1):  # the first is not counted: it finds nothing warm
        for what, work in (
            ("verify", lambda: homolog.verify(module, model).raise_if_failed()),
            ("passes", lambda: _forward(module, model, batches)),
            ("reading", lambda: read_both(homolog.load(module), homolog.load(model))),
        ):
            started = perf_counter()
            work()
            if turn:
                seconds[what].append(perf_counter() - started)
    verify, passes, reading = (median(times) for times in seconds.values())
    note = f"{verify:.2f} s to {passes:.2f} s for {len(batches)} inputs through both; {reading:.2f} s of it are reading"
    return Figure(name, verify / passes, BOUND, "×", note)


def _forward(module: Any, model: Any, batches: list[tuple[Any, ...]]) -> None:
    import torch

    for arrays in batches:
        with torch.no_grad():
            module(*map(torch.from_numpy, arrays))
        turned = [np.moveaxis(array, 1, -1) if array.ndim == 4 else array for array in arrays]
        model(turned[0], training=False)


def _resnet50() -> tuple[Any, Any]:
    import torch
    from torch import nn

    import keras
    from keras import layers

    stages = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))

    class Bottleneck(nn.Module):
        def __init__(self, width: int, inner: int, stride: int) -> None:
            super().__init__()
            out = 4 * inner
            self.body = nn.Sequential(
                *(nn.Conv2d(width, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU()),
                *(nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU()),
                *(nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out)),
            )
            side = nn.Sequential(nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out))
            self.side = side if width != out else nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.body(x) + self.side(x))

    blocks: list[nn.Module] = []
    width = 64
    for inner, count, stride in stages:
        for place in range(count):
            blocks.append(Bottleneck(width, inner, stride if place == 0 else 1))
            width = 4 * inner
    stem = (nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    module = nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1000)).eval()

    def unit(x: Any, out: int, size: int, stride: int = 1, relu: bool = True) -> Any:
        if size > 1:
            x = layers.ZeroPadding2D(size // 2)(x)
        x = layers.Conv2D(out, size, stride, use_bias=False)(x)
        x = layers.BatchNormalization(epsilon=1e-5)(x)
        return layers.ReLU()(x) if relu else x

    entry = keras.Input((IMAGE, IMAGE, 3))
    x = unit(entry, 64, 7, 2)
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for inner, count, stride in stages:
        for place in range(count):
            step = stride if place == 0 else 1
            y = unit(unit(unit(x, inner, 1), inner, 3, step), 4 * inner, 1, relu=False)
            x = layers.ReLU()(layers.Add()([y, unit(x, 4 * inner, 1, step, relu=False) if place == 0 else x]))
    model = keras.Model(entry, layers.Dense(1000)(layers.GlobalAveragePooling2D()(x)))
    return module, model


def _encoder() -> tuple[Any, Any]:
    import torch
    from torch import nn

    import keras
    from keras import layers

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(WORDS, WIDTH)
            layer = nn.TransformerEncoderLayer(
                WIDTH, 4, 4 * WIDTH, activation="gelu", batch_first=True, norm_first=True
            )
            self.layers = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
            self.head = nn.Linear(WIDTH, 10)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.head(self.layers(self.words(ids)).mean(1))

    ids = keras.Input((LENGTH,), dtype="int32")
    x = layers.Embedding(WORDS, WIDTH)(ids)
    for _ in range(4):
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, WIDTH // 4)(y, y)])
        y = layers.Dense(4 * WIDTH, activation="gelu")(layers.LayerNormalization(epsilon=1e-5)(x))
        x = layers.Add()([x, layers.Dense(WIDTH)(y)])
    model = keras.Model(ids, layers.Dense(10)(layers.GlobalAveragePooling1D()(x)))
    return Encoder().eval(), model
