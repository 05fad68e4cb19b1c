"""How far the outputs of a translated model are from those of its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Error = float | str
"""The largest relative error, or in words why there is none."""


def flat(outputs: Any) -> list[Array]:
    """The outputs of a model of either framework as arrays, those of a mapping in the order of their names."""
    if isinstance(outputs, Mapping):
        outputs = [outputs[name] for name in sorted(outputs)]
    if not isinstance(outputs, Sequence):
        outputs = [outputs]
    return [np.asarray(output.detach() if hasattr(output, "detach") else output) for output in outputs]


def channels_last(array: Array) -> Array:
    """Images as Keras has them; anything else as it is."""
    return np.moveaxis(array, 1, -1) if array.ndim == 4 else array


def error(found: Sequence[Array], expected: Sequence[Array]) -> Error:
    """The largest difference of an output, relative to the largest value of that output; the worst output counts."""
    if len(found) != len(expected):
        return f"{len(found)} outputs instead of {len(expected)}"
    worst = 0.0
    for one, other in zip(found, expected, strict=True):
        if one.shape != other.shape:
            return f"shape {one.shape} instead of {other.shape}"
        if not np.isfinite(one).all():
            return "values that are no numbers"
        scale = float(np.abs(other).max()) or 1.0  # of nothing but zeros, every difference counts as it is
        worst = max(worst, float(np.abs(one - other).max()) / scale)
    return worst
