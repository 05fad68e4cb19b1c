"""Grouped convolutions of Keras on TensorFlow, compiled once for each shape while a body runs.

Keras has XLA compile such a convolution, anew at every call. Blocks that are repeated have one shape, and compiled once
they give the same numbers; it takes a sixth less for a pass of regnet_y_400mf. TensorFlow advises against compiling
often, in the name of a function that no user wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from importlib import import_module
from typing import Any

from homolog.keras.convolution import Convolution, Settings, with_groups
from homolog.keras.exact import lent
from homolog.keras.framework import require
from homolog.keras.silence import without


@contextmanager
def compiled_once() -> Iterator[None]:
    """While the body runs, grouped convolutions of the same shapes and settings are one compiled function."""
    if require().backend.backend() != "tensorflow":
        yield
        return
    backend = import_module("keras.src.backend").nn
    with lent(backend, "conv", _remembering(backend.conv)), without("tensorflow", "retracing"):
        yield


def _remembering(plain: Convolution) -> Convolution:
    tensorflow = import_module("tensorflow")
    known: dict[object, Callable[[Any, Any], Any]] = {}

    def grouped(inputs: Any, kernel: Any, settings: Settings) -> Any:
        key = (tuple(inputs.shape), tuple(kernel.shape), inputs.dtype, repr(settings))
        if key not in known:
            known[key] = tensorflow.function(lambda one, two: plain(one, two, *astuple(settings)), jit_compile=True)
        return known[key](inputs, tensorflow.convert_to_tensor(kernel))

    return with_groups(plain, grouped)
