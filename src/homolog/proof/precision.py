"""Parts of the proof: both networks in float64, and how far float32 takes each from it.

In float64 two implementations of one function agree to the last few places, and what is left is a difference. In
float32 a correct implementation strays about as far from the exact result as the one it was made after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from homolog.live import Run
from homolog.proof.pairing import paired
from homolog.proof.part import Part
from homolog.proof.samples import Samples
from homolog.proof.subjects import Subjects, distance
from homolog.proof.trial import Trial
from homolog.tensors import Array

MOST_APART = 1e-8
"""In float64, of the largest output. Correct networks were measured at 1e-16 to 1e-12 (docs/proof.md)."""
MOST_ROUNDING = 8.0
"""How many times as far from the float64 of one side the other may lie as that side itself in float32. Correct
conversions were measured at up to 3, a wrong eps at 104, a wrong GELU at 426."""
MOST_ERROR = 1e-3
"""How far both may, as a share of the largest output: beyond it float32 proves nothing by itself."""
LUCK = 4 * float(np.finfo(np.float32).eps)
"""Of the largest output: a side that strays less than this is taken to stray this far. A mean of 4,096 numbers was
measured to be a tenth of a unit off in one framework, and two units in the other, which adds in another order."""
NAMES = {"pytorch": "PyTorch", "keras": "Keras"}

Pairs = Sequence[tuple[Array, Array]]


@dataclass(frozen=True)
class Errors:
    """How far two networks are in float32 from the float64 of one of them.

    Attributes:
        whose: the side whose float64 it is.
        own, other: its largest error, and the other's.
        scale: its largest output.
    """

    whose: str
    own: float
    other: float
    scale: float


def check(trial: Trial, *, constants: bool = False) -> Iterator[Part]:
    """The parts ``float64``, where both can be run so, and ``float32``, where one of them can.

    Args:
        trial: of the networks.
        constants: whether the second holds numbers, rounded to float32, that the first computes anew in float64.
    """
    wide, other = trial.wide_left, trial.wide_right
    errors = _errors(trial, wide, other)
    if errors is None:
        return
    if wide is not None and other is not None:
        yield _float64(paired(trial.subjects, wide, other).pairs, errors, constants)
    yield _float32(errors)


@dataclass(frozen=True)
class Strays:
    """How far outputs lie apart, each as a share of the largest.

    Attributes:
        apart: the two networks, in float64.
        own: the float32 of one of them from its float64.
    """

    apart: float
    own: float


def strays(subjects: Subjects, inputs: Samples) -> Strays | None:
    """The same on inputs of one's own; None where not both networks run in float64."""
    wide, other = subjects.a.exact(inputs.first), subjects.b.exact(inputs.second)
    if wide is None or other is None:
        return None
    scale = max(_scale(wide), float(np.finfo(np.float64).tiny))
    apart = _largest(paired(subjects, wide, other).pairs)
    return Strays(apart / scale, _largest(_own(wide, subjects.a.run(inputs.first))) / scale)


def _float64(pairs: Pairs, errors: Errors, constants: bool) -> Part:
    apart, scale = _largest(pairs), max(errors.scale, np.finfo(np.float64).tiny)
    threshold = f"{MOST_APART:.0e} of the largest output"
    figures = {"max_abs_error": apart, "relative": apart / scale}
    details: tuple[str, ...] = ()
    passed = apart <= MOST_APART * scale
    rounded = min(errors.own, errors.other)
    if not passed and apart <= (max(rounded, LUCK * scale) if constants else rounded):
        passed = True  # a sum of two biases, say, is rounded where the target keeps it as one
        made = max(errors.own, LUCK * scale) if constants else errors.own
        rounding = f"less than rounding to float32 makes ({made:.1e}): a weight or a constant is rounded"
        details = (f"more than {threshold}, and {rounding}",)
    figure = f"in float64 the outputs are {apart / scale:.1e} of the largest apart"
    return Part("float64", passed, figure, details, figures, threshold)


def _float32(errors: Errors) -> Part:
    least = max(LUCK * errors.scale, float(np.finfo(np.float64).tiny))
    ratio = errors.other / max(errors.own, least)
    figure = f"{errors.other:.1e} from the float64 of the {errors.whose} side, which itself is {errors.own:.1e} from it"
    threshold = f"{MOST_ROUNDING:.0f} x that, or {MOST_ROUNDING:.0f} x {least:.0e} if that is more"
    figures = {"ratio": ratio, "own": errors.own, "other": errors.other}
    return Part("float32", ratio <= MOST_ROUNDING, figure, (), figures, threshold)


def rounding(trial: Trial) -> tuple[float, str] | None:
    """Whether outputs that lie apart do so by rounding, which a deep network, or an attention with sharp scores,
    magnifies: then the one side is about as far from the other side's float64 as that side itself is in float32.

    Where rounding is magnified beyond ``MOST_ERROR`` that alone proves nothing; then both have to agree in float64 too.

    Returns:
        How many times as far, and that in words; None if it is no rounding, or neither side runs in float64.
    """
    wide = trial.wide_left
    errors = _errors(trial, wide, trial.wide_right if wide is None or trial.subjects.a.framework != "pytorch" else None)
    if errors is None or errors.own == 0:
        return None
    ratio = errors.other / errors.own
    if ratio > MOST_ROUNDING:
        return None
    words = f"{errors.other:.1e} from the float64 of the {errors.whose} side, which itself is {errors.own:.1e} from it"
    words = f"by rounding: {words} ({ratio:.1f} x, of 8 allowed)"
    if max(errors.own, errors.other) <= MOST_ERROR * errors.scale:
        return ratio, words
    if wide is None or trial.wide_right is None:
        return None
    apart = _largest(paired(trial.subjects, wide, trial.wide_right).pairs) / errors.scale
    words = f"{words}; float32 itself falls apart, and in float64 both are {apart:.1e} of the largest output apart"
    return (ratio, words) if apart <= MOST_APART else None


def _errors(trial: Trial, wide: Run | None, other: Run | None) -> Errors | None:
    """Against PyTorch's float64 where there is one, whose errors are the steadier measure; None without float64."""
    subjects = trial.subjects
    a, b = subjects.a.framework, subjects.b.framework
    if wide is not None and (other is None or a == "pytorch" or b != "pytorch"):
        own, apart = _own(wide, trial.left), paired(subjects, wide, trial.right).pairs
        return Errors(NAMES[a], _largest(own), _largest(apart), _scale(wide))
    if other is not None:
        own, apart = _own(other, trial.right), paired(subjects, trial.left, other).pairs
        return Errors(NAMES[b], _largest(own), _largest(apart), _scale(other))
    return None


def _own(wide: Run, narrow: Run) -> Pairs:
    return list(zip(wide.outputs, narrow.outputs, strict=True))


def _largest(pairs: Pairs) -> float:
    """The largest difference; infinite for other shapes."""
    return max((distance(one, two) if one.shape == two.shape else float("inf") for one, two in pairs), default=0.0)


def _scale(run: Run) -> float:
    return max(float(np.abs(array.astype(np.float64)).max(initial=0)) for array in run.outputs)
