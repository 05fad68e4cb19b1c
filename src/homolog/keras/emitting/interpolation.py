"""PyTorch's ways to make an axis longer or shorter, as numbers: which places an output reads, and by what weights.

Every one of them but the choice of the nearest is a linear map of each axis by itself; as a matrix it is the same in
every framework. It is in float64, and whoever keeps it rounds it. After PyTorch's
``aten/src/ATen/native/UpSample.h`` and ``cpu/UpSampleKernel.cpp``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np

from homolog.tensors import Array

CUBIC = -0.75
"""PyTorch's coefficient of the cubic kernel; with antialiasing it takes the other usual one."""
SMOOTH_CUBIC = -0.5


@dataclass(frozen=True)
class Axis:
    """One axis that is resized.

    Attributes:
        length: before.
        size: after.
        factor: as it was asked for; where it is None, or does not give the size exactly, the two differ.
        corners: whether the first and the last places stay where they are (``align_corners``).
    """

    length: int
    size: int
    factor: float | None = None
    corners: bool = False

    @property
    def step(self) -> float:
        """How far apart two outputs' places are in the input."""
        if self.corners:
            return (self.length - 1) / (self.size - 1) if self.size > 1 else 0.0
        return 1.0 / self.factor if self.factor else self.length / self.size

    @property
    def is_plain(self) -> bool:
        """Whether the step is that of the lengths, which is the only one that Keras knows."""
        return not self.corners and abs(self.step * self.size - self.length) < 1e-9 * self.length

    @property
    def whole(self) -> int | None:
        """The whole number of times that it becomes longer, if it is one."""
        return self.size // self.length if self.is_plain and self.size % self.length == 0 else None


def nearest(axis: Axis, *, exact: bool = False) -> Array:
    """The place that each output reads; ``exact`` is from the middle of the output, not from its beginning."""
    places = np.arange(axis.size)
    if axis.size == axis.length and not exact:
        return places
    step = np.float32(axis.step)  # PyTorch counts in float32, and a place next to a border depends on it
    starts = (places + 0.5 if exact else places).astype(np.float32)
    found: Array = np.minimum(np.floor(starts * step).astype(np.int64), axis.length - 1)
    return found


def linear(axis: Axis) -> Array:
    """Between the two neighbours; a matrix of (size, length)."""
    return _matrix(axis, (0, 1), lambda t: (1 - t, t), border=True)


def cubic(axis: Axis) -> Array:
    """Between the four neighbours; what lies outside is the border."""
    return _matrix(axis, (-1, 0, 1, 2), lambda t: tuple(_kernel(abs(t - n), CUBIC) for n in (-1, 0, 1, 2)))


def _matrix(
    axis: Axis, neighbours: Sequence[int], weights: Callable[[float], Sequence[float]], *, border: bool = False
) -> Array:
    """What each output takes of its neighbours, counted from the place below its own; weights by how far it is
    above that."""
    found = np.zeros((axis.size, axis.length))
    for row in range(axis.size):
        place = axis.step * row if axis.corners else axis.step * (row + 0.5) - 0.5
        place = max(place, 0.0) if border else place
        first = floor(place)
        for neighbour, weight in zip(neighbours, weights(place - first), strict=True):
            found[row, min(max(first + neighbour, 0), axis.length - 1)] += weight
    return found


def _kernel(x: float, a: float) -> float:
    """Keys' cubic convolution kernel."""
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a if x < 2 else 0.0


def smooth(axis: Axis, *, is_cubic: bool) -> Array:
    """With antialiasing: the kernel is as wide as the step, where that is more than a place."""
    found = np.zeros((axis.size, axis.length))
    wide = max(axis.step, 1.0)
    reach = (2.0 if is_cubic else 1.0) * wide
    for row in range(axis.size):
        middle = axis.step * (row + 0.5)
        first, end = max(int(middle - reach + 0.5), 0), min(int(middle + reach + 0.5), axis.length)
        for place in range(first, end):
            x = abs((place - middle + 0.5) / wide)
            found[row, place] = _kernel(x, SMOOTH_CUBIC) if is_cubic else max(1.0 - x, 0.0)
        found[row] /= found[row].sum()
    return found


def cells(length: int, size: int) -> Array:
    """The mean of each cell, where an axis is divided into cells that may overlap (adaptive pooling)."""
    found = np.zeros((size, length), np.float32)
    for row in range(size):
        start, end = row * length // size, -(-(row + 1) * length // size)
        found[row, start:end] = 1 / (end - start)
    return found
