"""What two networks give, compared: the source's outputs as they were saved, and the translation's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.record import Record

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]

LUCK = 4 * float(np.finfo(np.float32).eps)
"""Of the largest output: an error below it is taken to be this large."""
MOST_ROUNDING = 9.0
"""How many times as far from the source's float32 a translation may be as that is from float64; the proof has 8 from
float64."""
MOST_APART = 1e-4
"""Of the largest output, where the source does not run in float64."""
SHAKY = 1e-5
"""Of the largest output: where the source strays further from float64, another row may stray several times as far."""
MOST_EXACT = 1e-8
"""Of the largest output: how far the outputs may lie apart in float64, as in the proof."""


@dataclass(frozen=True)
class Compared:
    """The worst of all outputs.

    Attributes:
        share: of what is allowed.
        relative: the largest difference to the source's float32, as a share of the largest output.
        problem: why they are not the same; empty if they are.
    """

    share: float
    relative: float
    problem: str = ""


@dataclass(frozen=True)
class Samples:
    """What a translation is run on by itself, and what its source made of that.

    Attributes:
        given: inputs by name.
        theirs: the source's outputs by name.
        own: how far these are from exact, as ``errors`` gives it.
        wide: the outputs in float64, where these are far from them.
    """

    given: Arrays
    theirs: Arrays
    own: Mapping[str, float]
    wide: Arrays = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Samples:
        """Those of a file."""
        stored = dict(np.load(path))
        parts = [
            {name.removeprefix(prefix): array for name, array in stored.items() if name.startswith(prefix)}
            for prefix in ("in:", "out:", "own:", "wide:")
        ]
        return cls(parts[0], parts[1], {name: float(error) for name, error in parts[2].items()}, parts[3])

    def note(self, file: str, result: Any, record: Record, widely: Callable[[], Any] | None = None) -> None:
        """Compare what a file gave, and put it in the record.

        Args:
            file, result: its name, and what it gave.
            record: to be added to.
            widely: gives the same in float64, which settles what float32 does not.
        """
        found = compared(_arrays(result), self.theirs, self.own)
        if found.problem and self.wide and widely is not None:
            found = compared(_arrays(widely()), self.wide, dict.fromkeys(self.wide, 0.0), least=MOST_EXACT)
        told = {"share": found.share, "relative": found.relative, "problem": found.problem}
        record.note(files={**record.facts.get("files", {}), file: told})


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


def compared(
    ours: Arrays, theirs: Arrays, own: Mapping[str, float], *, least: float = MOST_ROUNDING * LUCK
) -> Compared:
    """A translation's outputs with its source's, by name where both have the same names, in order where not.

    Args:
        ours: the translation's, channels last or first.
        theirs: the source's in float32.
        own: the errors of these, as ``errors`` gives them; empty where the source does not run in float64.
        least: that is allowed, of the largest output, however small these errors are.
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
        allowed = max(MOST_ROUNDING * own[other], least) if other in own else MOST_APART
        share, relative = max(share, apart / allowed), max(relative, apart)
    problem = f"outputs {relative:.1e} of the largest apart, {share:.1f} x what is allowed" if share > 1 else ""
    return Compared(share, relative, problem)


def _arrays(result: Any) -> dict[str, Array]:
    return {name: np.asarray(value) for name, value in flat(result).items()}


def _laid_out(ours: Array, theirs: Array) -> Array | None:
    """Ours with the axes in the source's order: as they are or with the channels moved, whichever is nearest."""
    ways = [ours, np.moveaxis(ours, -1, 1), np.moveaxis(ours, 1, -1)] if ours.ndim > 2 else [ours]
    fitting = [way for way in ways if way.shape == theirs.shape]
    return min(fitting, key=lambda way: _distance(way, theirs), default=None)


def _largest(array: Array) -> float:
    """The largest number, whatever its sign; not quite 0."""
    return max(float(np.abs(array.astype(np.float64)).max(initial=0)), float(np.finfo(np.float64).tiny))


def _distance(one: Array, two: Array) -> float:
    """The largest difference; infinite where there is anything but numbers."""
    apart = float(np.abs(one.astype(np.float64) - two.astype(np.float64)).max(initial=0))
    return apart if np.isfinite(apart) else np.inf
