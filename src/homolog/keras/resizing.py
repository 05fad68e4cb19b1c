"""Resizing of images by kernels that Keras's torch backend has not, or has with other numbers.

Keras leaves an interpolation to its backend, and backends do not agree: TensorFlow's cubic kernel is not PyTorch's, is
read from a table of 1024 places, and leaves out what lies beyond the border. But each of them is a linear map of each
axis by itself, and so is told by what it makes of the unit vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from homolog.errors import Unsupported
from homolog.keras.emitting.interpolation import Axis, cubic, linear, smooth
from homolog.keras.framework import require
from homolog.tensors import Array

SAME = 2 * float(np.finfo(np.float32).eps), 5e-5
"""How far the weights of two maps may lie apart that are one: for each pixel of the axis, for a place far from the
start is rounded; and at most, for a table of 1024 places is further off than that."""
OF_TORCH = ("bilinear", "bicubic")

Resize = Callable[..., Any]


def weights(
    lengths: Sequence[tuple[int, int]], interpolation: str, resize: Callable[[Array, tuple[int, int]], Any]
) -> tuple[list[Array], bool | None]:
    """What each output takes of each input; a matrix of (size, length) for each axis.

    Args:
        lengths: of each axis, before and behind.
        interpolation: as Keras calls it.
        resize: from images of a single channel, channels last, and the two lengths that they are to have, the images.

    Returns:
        The weights, in float64 where they are those of PyTorch's interpolation of that name, in float32 where not; and
        whether PyTorch has them with antialiasing or without, None where it has others.
    """
    found = []
    for length, size in lengths:
        units = np.eye(length, dtype=np.float32)[None, :, :, None]
        found.append(np.asarray(resize(units, (size, length)))[0, :, :, 0])
    for antialias in (False, True) if interpolation in OF_TORCH else ():
        ours = [_of_torch(Axis(length, size), interpolation, antialias) for length, size in lengths]
        pairs = zip(ours, found, lengths, strict=True)
        if all(np.abs(one - two).max() <= min(SAME[0] * length, SAME[1]) for one, two, (length, _) in pairs):
            return ours, antialias
    return found, None


def _of_torch(axis: Axis, interpolation: str, antialias: bool) -> Array:
    if antialias:
        return smooth(axis, is_cubic=interpolation == "bicubic")
    return cubic(axis) if interpolation == "bicubic" else linear(axis)


def as_backend(own: str) -> Callable[[Resize], Resize]:
    """From the torch backend's ``image.resize`` the one in its place, which resizes as another backend does.

    Args:
        own: name of that backend.
    """
    theirs: Resize = import_module(f"keras.src.backend.{own}.image").resize

    def amend(plain: Resize) -> Resize:
        def resize(
            images: Any,
            size: Sequence[int],
            interpolation: str = "bilinear",
            antialias: bool = False,
            crop_to_aspect_ratio: bool = False,
            pad_to_aspect_ratio: bool = False,
            fill_mode: str = "constant",
            fill_value: float = 0.0,
            data_format: str | None = None,
        ) -> Any:
            if interpolation != "nearest":
                _refuse_whole(images)
            if interpolation == "nearest" or (interpolation == "bilinear" and not antialias):
                ratios = {"crop_to_aspect_ratio": crop_to_aspect_ratio, "pad_to_aspect_ratio": pad_to_aspect_ratio}
                return plain(images, size, interpolation, **ratios, fill_value=fill_value, data_format=data_format)
            ops, config = require().ops, require().config
            channels = -1 if (data_format or config.image_data_format()) == "channels_last" else -3
            maps = ops.moveaxis(images, channels, -3)
            if crop_to_aspect_ratio or pad_to_aspect_ratio:
                maps = _in_ratio(maps, size, None if crop_to_aspect_ratio else fill_value)
            lengths = list(zip(_lengths(maps), map(int, size), strict=True))
            found, smoothed = weights(
                lengths, interpolation, lambda units, wanted: theirs(units, wanted, interpolation, antialias)
            )
            if smoothed is not None:
                made = plain(maps, size, interpolation, smoothed, data_format="channels_first")
            else:
                rows, columns = found
                made = ops.matmul(ops.matmul(rows, maps), np.ascontiguousarray(columns.T))
            return ops.moveaxis(made, -3, channels)

        return resize

    return amend


def _refuse_whole(images: Any) -> None:
    dtype = require().backend.standardize_dtype(images.dtype)
    if "float" not in dtype:
        raise Unsupported(
            "images of whole numbers are resized between their pixels",
            expected="real numbers: whatever is behind the point is cut off, and rounding decides by how much",
            found=dtype,
            help="resize real numbers: keras.layers.Rescaling(1.0) in front of it",
        )


def _lengths(maps: Any) -> tuple[int, int]:
    """Height and width of maps with their channels in front of both.

    Raises:
        Unsupported: one is open.
    """
    height, width = maps.shape[-2:]
    if not (isinstance(height, int) and isinstance(width, int)):
        raise Unsupported(
            "an image of an open size is resized by a kernel that PyTorch has not",
            expected="lengths that are fixed, for the kernel's weights depend on them",
            found=f"{height} x {width}",
        )
    return height, width


def _in_ratio(maps: Any, size: Sequence[int], fill: float | None) -> Any:
    """The middle of the maps, as large as fits into the ratio of a size; or, with a number to fill with, the maps with
    as much around them on either side."""
    lengths = _lengths(maps)
    wanted = int(float(lengths[1] * size[0]) / size[1]), int(float(lengths[0] * size[1]) / size[0])
    if fill is None:
        kept = [max(min(own, other), 1) for own, other in zip(lengths, wanted, strict=True)]
        top, left = ((own - other) // 2 for own, other in zip(lengths, kept, strict=True))
        return maps[..., top : top + kept[0], left : left + kept[1]]
    around = [max(other - own, 0) // 2 for own, other in zip(lengths, wanted, strict=True)]
    pairs = [(0, 0)] * (len(maps.shape) - 2) + [(amount, amount) for amount in around]
    return require().ops.pad(maps, pairs, constant_values=fill)
