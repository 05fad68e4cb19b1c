"""Operations of TensorFlow that are not exact in float64, or not fast, written out; lent for one pass.

A layer's own code may ask for float32 by name, as norms and transforms do: then it is given a float64, as PyTorch is
(``pytorch/wide.py``).

``gelu``, ``leaky_relu`` and ``cast`` round their constants to float32, and an image is resized in float32 whatever it
holds. A grouped convolution is compiled by XLA, anew at every call, whose loops take fifty times as long in float64 as
the depthwise convolution does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from importlib import import_module
from math import pi, sqrt
from typing import Any

import numpy as np

from homolog.keras.convolution import Convolution, Settings, with_groups
from homolog.keras.emitting.interpolation import Axis, linear
from homolog.keras.resizing import weights

NARROW = {"float32": "float64", "complex64": "complex128"}
"""What a layer is given instead of an element type that it asks for. Half precision stays what it is: it rounds more
than the float32 that such a pass is compared with, and is to be seen."""
MAKERS = {"range": 3, "ones": 1, "zeros": 1, "eye": 3, "constant": 1, "convert_to_tensor": 1}
"""TensorFlow's functions that make a tensor of an element type, by the place that they take it at."""
PLANE = 4
"""Axes of a value with two of space."""


def in_float64(*, throughout: bool = True) -> Iterator[tuple[Any, str, object]]:
    """What to lend: the module that is asked for it, the name it is asked by, and what is to come instead.

    Args:
        throughout: whether what is cast to a float32, or made of one, by name, is to be a float64.
    """
    tensorflow = import_module("tensorflow")
    yield tensorflow.nn, "gelu", _gelu
    yield tensorflow.nn, "leaky_relu", _leaky_relu
    yield tensorflow, "cast", _cast(tensorflow.cast, throughout)
    for name, place in MAKERS.items() if throughout else ():
        yield tensorflow, name, _made_wide(getattr(tensorflow, name), place)
    image = tensorflow.image
    yield image, "resize", _resize(image.resize)
    backend = import_module("keras.src.backend").nn
    yield backend, "conv", _conv(backend.conv)


def _cast(plain: Any, wide: bool) -> Any:
    """TensorFlow's, which makes of a number a float32 before it makes a float64 of that."""
    tf = import_module("tensorflow")

    def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
        given = _widened(dtype) if wide else tf.as_dtype(dtype)
        return tf.constant(x, given) if isinstance(x, float) and given.is_floating else plain(x, given, name=name)

    return cast


def _made_wide(plain: Any, place: int) -> Any:
    """One of TensorFlow's functions that take an element type, at that place or by name."""

    def made(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("dtype") is not None:
            kwargs["dtype"] = _widened(kwargs["dtype"])
        elif len(args) > place and args[place] is not None:
            args = (*args[:place], _widened(args[place]), *args[place + 1 :])
        return plain(*args, **kwargs)

    return made


def _widened(dtype: Any) -> Any:
    tf = import_module("tensorflow")
    asked = tf.as_dtype(dtype)
    return tf.as_dtype(NARROW.get(asked.name, asked))


def _gelu(features: Any, approximate: bool = False, name: object = None) -> Any:
    math = import_module("tensorflow").math
    if approximate:
        inner = sqrt(2 / pi) * (features + 0.044715 * features * features * features)
        return 0.5 * features * (1.0 + math.tanh(inner))
    return 0.5 * features * (1.0 + math.erf(features * sqrt(0.5)))


def _leaky_relu(features: Any, alpha: float = 0.2, name: object = None) -> Any:
    tf = import_module("tensorflow")
    return tf.where(features > 0, features, alpha * features)


def _resize(plain: Any) -> Any:
    """TensorFlow's resizing, of which all but the choice of the nearest is done by a matrix for each axis."""

    def resize(images: Any, size: Sequence[int], method: str = "bilinear", **more: Any) -> Any:
        tf = import_module("tensorflow")
        if method == "nearest" or images.dtype != tf.float64 or len(images.shape) != PLANE:
            return plain(images, size, method=method, **more)
        lengths = [(int(images.shape[axis]), int(size[axis - 1])) for axis in (1, 2)]
        if method == "bilinear" and not any(more.values()):
            found = [linear(Axis(length, wanted)) for length, wanted in lengths]
        else:
            found, _ = weights(lengths, method, lambda units, wanted: plain(units, wanted, method=method, **more))
        rows, columns = (matrix.astype(np.float64) for matrix in found)
        return tf.einsum("oh,nhwc,pw->nopc", rows, images, columns)

    return resize


def _conv(plain: Convolution) -> Convolution:
    """Keras's convolution, of which grouped ones of channels-last values are done group by group."""

    def grouped(inputs: Any, kernel: Any, settings: Settings) -> Any:
        tf = import_module("tensorflow")
        channels, width = inputs.shape[-1], kernel.shape[-2]
        strides, gaps = _pair(settings.strides), _pair(settings.dilation_rate)
        alone = width == 1 and kernel.shape[-1] == channels and len(inputs.shape) == PLANE
        # TensorFlow has no unequal strides there, and not both at once
        if alone and len(set(strides)) == 1 and (max(strides) == 1 or max(gaps) == 1):
            turned = tf.transpose(kernel, (0, 1, 3, 2))
            return tf.nn.depthwise_conv2d(inputs, turned, (1, *strides, 1), settings.padding.upper(), dilations=gaps)
        groups = channels // width
        parts = zip(tf.split(inputs, groups, -1), tf.split(kernel, groups, -1), strict=True)
        return tf.concat([plain(*part, *astuple(settings)) for part in parts], -1)

    return with_groups(plain, grouped)


def _pair(lengths: int | Sequence[int]) -> tuple[int, ...]:
    return (lengths, lengths) if isinstance(lengths, int) else tuple(lengths)
