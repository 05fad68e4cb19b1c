"""What two networks give, compared: PyTorch's outputs as they were saved, and Keras's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]

LUCK = 4 * float(np.finfo(np.float32).eps)
"""Of the largest output: an error below it is taken to be this large."""
MOST_ROUNDING = 9.0
"""How many times as far from PyTorch's float32 Keras may be as that is from float64; the proof has 8 from float64."""
MOST_APART = 1e-4
"""Of the largest output, where PyTorch does not run in float64."""


@dataclass(frozen=True)
class Compared:
    """The worst of all outputs.

    Attributes:
        share: of what is allowed.
        relative: the largest difference to PyTorch's float32, as a share of the largest output.
        problem: why they are not the same; empty if they are.
    """

    share: float
    relative: float
    problem: str = ""


def flat(result: Any, path: str = "") -> dict[str, Any]:
    """The leaves of what a network gives, by where they stand."""
    if result is None:
        return {}
    if isinstance(result, Mapping):
        entries = list(result.items())
    elif isinstance(result, list | tuple):
        entries = list(enumerate(result))
    else:
        return {path: result}
    found: dict[str, Any] = {}
    for key, value in entries:
        found |= flat(value, f"{path}.{key}" if path else str(key))
    return found


def errors(narrow: Arrays, wide: Arrays) -> dict[str, float]:
    """How far the outputs in float32 are from those in float64, each as a share of its largest number."""
    return {name: _distance(narrow[name], array) / _largest(array) for name, array in wide.items()}


def compared(ours: Arrays, theirs: Arrays, own: Mapping[str, float]) -> Compared:
    """Keras's outputs with PyTorch's, by name where both have the same names, in order where not.

    Args:
        ours: Keras's, channels last or first.
        theirs: PyTorch's in float32.
        own: the errors of these, as ``errors`` gives them; empty where PyTorch does not run in float64.
    """
    if not theirs or len(ours) != len(theirs):
        return Compared(np.inf, np.inf, f"{len(ours)} outputs for {len(theirs)}")
    names = list(theirs) if set(ours) == set(theirs) else list(ours)
    share, relative = 0.0, 0.0
    for name, (other, array) in zip(names, theirs.items(), strict=True):
        one = _laid_out(ours[name], array)
        if one is None:
            return Compared(np.inf, np.inf, f"{other}: shape {ours[name].shape} for {array.shape}")
        apart = _distance(one, array) / _largest(array)
        allowed = MOST_ROUNDING * max(own[other], LUCK) if other in own else MOST_APART
        share, relative = max(share, apart / allowed), max(relative, apart)
    problem = f"outputs {relative:.1e} of the largest apart, {share:.1f} x what is allowed" if share > 1 else ""
    return Compared(share, relative, problem)


def _laid_out(ours: Array, theirs: Array) -> Array | None:
    """Ours with the axes in PyTorch's order: as they are or with the channels moved forward, whichever is nearer."""
    ways = [ours, np.moveaxis(ours, -1, 1)] if ours.ndim > 2 else [ours]
    fitting = [way for way in ways if way.shape == theirs.shape]
    return min(fitting, key=lambda way: _distance(way, theirs), default=None)


def _largest(array: Array) -> float:
    """The largest number, whatever its sign; not quite 0."""
    return max(float(np.abs(array.astype(np.float64)).max(initial=0)), float(np.finfo(np.float64).tiny))


def _distance(one: Array, two: Array) -> float:
    """The largest difference; infinite where there is anything but numbers."""
    apart = float(np.abs(one.astype(np.float64) - two.astype(np.float64)).max(initial=0))
    return apart if np.isfinite(apart) else np.inf
