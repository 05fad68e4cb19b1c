"""How long a translated model takes to predict, beside the one of keras.applications, and whether it turns its maps.

Both are compiled as Keras compiles them to predict on a CPU: a ``tf.function`` without XLA. Both hold the same weights,
for numbers next to zero take longer than others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench.figure import Figure
from bench.zoo import declare_boxes

BATCH, IMAGE = 8, 224
BOUND = 1.02
ROUNDS, SECONDS = (11, 51), 120
"""The fewest and the most rounds; after so many seconds there are no more than the fewest."""


@dataclass(frozen=True)
class Twin:
    """One network in torchvision and in keras.applications."""

    torch: str
    keras: str
    settings: tuple[tuple[str, bool], ...] = ()


TWINS = (
    Twin("vgg16", "VGG16"),
    Twin("densenet121", "DenseNet121"),
    Twin("mobilenet_v2", "MobileNetV2"),
    Twin("convnext_tiny", "ConvNeXtTiny", (("include_preprocessing", False),)),
)


def speed(twin: Twin, folder: Path) -> Figure:
    """How many times as long the translation takes as keras.applications: the median over rounds of one call each."""
    ours, theirs = _calls(twin)
    image = np.random.default_rng(0).standard_normal((BATCH, IMAGE, IMAGE, 3)).astype(np.float32)
    return compared(f"{twin.torch} to keras.applications", "without XLA", _timed(ours, image), _timed(theirs, image))


def turns(twin: Twin, folder: Path) -> Figure:
    """Transposes in the compiled graph, those left out that move no axis."""
    from bench.translations.transposes import in_graph

    ours, theirs = (in_graph(call.graph.as_graph_def()) for call in _calls(twin))
    note = f"{ours['layout']} of them between layouts; keras.applications has {theirs['all']}"
    return Figure(f"transposes in {twin.torch}, compiled", ours["all"], 0, "", note)


def _named(measure: Callable[[Twin, Path], Figure], twin: Twin) -> Callable[[Path], Figure]:
    """One benchmark: its name is shown where it breaks off."""

    def benchmark(folder: Path) -> Figure:
        return measure(twin, folder)

    benchmark.__name__ = f"{measure.__name__} of {twin.torch}"
    return benchmark


BENCHMARKS: tuple[Callable[[Path], Figure], ...] = tuple(
    _named(measure, twin) for twin in TWINS for measure in (speed, turns)
)


@lru_cache(maxsize=1)
def _calls(twin: Twin) -> tuple[Any, Any]:
    """Both models of a twin, compiled; kept until another is asked for."""
    from bench.translations.transposes import compiled

    image = np.zeros((1, IMAGE, IMAGE, 3), np.float32)
    ours, theirs = (compiled(model, image) for model in _models(twin))
    return ours, theirs


def _models(twin: Twin) -> tuple[Any, Any]:
    import torch

    import homolog
    import keras

    declare_boxes()
    from torchvision import models

    torch.manual_seed(1)
    module = models.get_model(twin.torch, weights=None).eval()
    theirs = getattr(keras.applications, twin.keras)(
        weights=None, input_shape=(IMAGE, IMAGE, 3), classifier_activation=None, **dict(twin.settings)
    )
    homolog.copy(module, into=theirs, inputs=[(1, 3, IMAGE, IMAGE)], allow_differences=True)
    return homolog.translate(module, to="keras", inputs=[(2, 3, IMAGE, IMAGE)]).model, theirs


def _timed(call: Any, image: Any) -> Callable[[], float]:
    """What calls once and tells for how long; called twice beforehand, for nothing is warm at first."""
    import tensorflow as tf

    given = tf.constant(image)

    def once() -> float:
        started = perf_counter()
        call(given).numpy()
        return perf_counter() - started

    once()
    once()
    return once


def compared(name: str, how: str, ours: Callable[[], float], theirs: Callable[[], float]) -> Figure:
    """How many times as long one takes as the other: the median over rounds of one call each."""
    found = rounds([ours, theirs])
    first, second = (median(times) for times in zip(*found, strict=True))
    note = f"{1000 * first:.0f} ms to {1000 * second:.0f} ms at batch {BATCH}, {how}, {len(found)} rounds"
    return Figure(name, median(one / two for one, two in found), BOUND, "×", note)


def rounds(calls: list[Callable[[], float]]) -> list[tuple[float, ...]]:
    """Both in turns, first the one and then the other first, so that a busy machine slows both."""
    least, most = ROUNDS
    started = perf_counter()
    found: list[tuple[float, ...]] = []
    while len(found) < least or (len(found) < most and perf_counter() - started < SECONDS):
        times = [call() for call in (calls if len(found) % 2 == 0 else calls[::-1])]
        found.append(tuple(times if len(found) % 2 == 0 else times[::-1]))
    return found
