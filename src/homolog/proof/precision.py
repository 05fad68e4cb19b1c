"""Parts of the proof: both networks in float64, and how far float32 takes each from it.

In float64 two implementations of one function agree to the last few places, and what is left is a difference. In
float32 a correct implementation strays about as far from the exact result as the one it was made after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from homolog.live import Run
from homolog.proof.pairing import paired
from homolog.proof.part import Part
from homolog.proof.subjects import distance
from homolog.proof.trial import JITTER, Trial
from homolog.tensors import Array

MOST_APART = 1e-8
"""In float64, of the largest output. Correct networks were measured at 1e-16 to 1e-12 (docs/proof.md)."""
EXACT = 1e-12
"""In float64, of the largest output: two that lie further apart, and of which one holds a number that it rounds to
float32, do so by that."""
MOST_ROUNDING = 8.0
"""How many times as far from the float64 of one side the other may lie as that side itself in float32. Correct
conversions were measured at up to 3, a wrong eps at 104, a wrong GELU at 426."""
MOST_BESIDE = 64.0
"""The same where both are known to agree in float64 to ``MOST_APART``, and neither computes in half precision, which
float64 does not show: then nothing is left but how a framework rounds.
Keras's group normalization, whose variance is the difference of two means, was measured at 44; one cast to float16
behind the last layers at 115 and more."""
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
    errors = _errors(trial, trial.wide_left, trial.wide_right)
    if errors is None:
        return
    found = apart(trial)
    if found is not None:
        yield _float64(found, errors, constants)
    yield _float32(errors, found)


@dataclass(frozen=True)
class Apart:
    """How far two networks lie apart in float64, as shares of the largest output.

    Attributes:
        found: how far they do.
        allowed: how far they may.
        why: they may lie further apart than ``MOST_APART``; empty where they may not.
        own: the float32 of the first from its float64.
        halved: whether one of them computes in half precision, and was run in float64 there too.
    """

    found: float
    allowed: float
    why: str
    own: float
    halved: bool

    @property
    def passed(self) -> bool:
        return self.found <= self.allowed


def apart(trial: Trial) -> Apart | None:
    """Compare the two in float64; None where not both run so.

    A network can be so deep, with statistics so far from its own, that it magnifies the rounding of float64 too. How
    far it does is measured on the first network: by as much as its outputs move when every weight is off by a few units
    in the last place (``trial.JITTER``), the two may lie apart. What is wrong in such a network, and is not as small as
    that, is magnified as much.
    """
    wide, other = trial.wide_left, trial.wide_right
    if wide is None or other is None:
        return None
    scale = max(_scale(wide), float(np.finfo(np.float64).tiny))
    own = _largest(_own(wide, trial.left)) / scale
    found = _largest(paired(trial.subjects, wide, other).pairs) / scale
    moved = _moved(trial, wide) / scale if found > MOST_APART else 0.0
    words = f"weights that are off by {JITTER:.0e} of themselves move the outputs by {moved:.1e} of the largest"
    allowed = min(MOST_ROUNDING * moved, MOST_ERROR)
    halved = wide.halved or other.halved
    if allowed <= MOST_APART:
        return Apart(found, MOST_APART, "", own, halved)
    return Apart(found, allowed, f"rounding is magnified in float64 too: {words}", own, halved)


def _moved(trial: Trial, wide: Run) -> float:
    """How far weights that are off by ``trial.JITTER`` move the first's outputs in float64; nothing where the same
    weights give others at every run, for then it is dropout, or another random layer, that moves them."""
    one, other = trial.jittered_left, trial.jittered_again
    if one is None or other is None:
        return 0.0
    moved = _largest(_own(wide, one))
    return moved if _largest(_own(one, other)) <= moved / 2 else 0.0


def _float64(found: Apart, errors: Errors, constants: bool) -> Part:
    scale = max(errors.scale, np.finfo(np.float64).tiny)
    threshold = f"{found.allowed:.0e} of the largest output"
    figures: dict[str, object] = {"max_abs_error": found.found * scale, "relative": found.found}
    details = (found.why,) if found.why else ()
    passed = found.passed
    rounded = min(errors.own, errors.other, MOST_ERROR * scale)
    if not passed and found.found * scale <= (max(rounded, LUCK * scale) if constants else rounded):
        passed = True  # a sum of two biases, say, is rounded where the target keeps it as one
        made = max(errors.own, LUCK * scale) if constants else errors.own
        rounding = f"less than rounding to float32 makes ({made:.1e}): a weight or a constant is rounded"
        details = (f"more than {threshold}, and {rounding}", *details)
        figures["rounded"] = True
    elif constants and found.found > EXACT:
        figures["rounded"] = True  # by a constant, though outputs show little of it
    figure = f"in float64 the outputs are {found.found:.1e} of the largest apart"
    return Part("float64", passed, figure, details, figures, threshold)


def _float32(errors: Errors, found: Apart | None) -> Part:
    """The part on float32. Where the one side itself is off by more than ``MOST_ERROR`` there, how far the other is off
    is chance, and whether they are the same in float64 decides."""
    least = max(LUCK * errors.scale, float(np.finfo(np.float64).tiny))
    ratio = errors.other / max(errors.own, least)
    figure = f"{errors.other:.1e} from the float64 of the {errors.whose} side, which itself is {errors.own:.1e} from it"
    most = _most(found)
    threshold = f"{most:.0f} x that, or {most:.0f} x {least:.0e} if that is more"
    figures = {"ratio": ratio, "own": errors.own, "other": errors.other}
    same = found is not None and found.passed
    fallen = ratio > most and same and errors.own > MOST_ERROR * errors.scale
    details = ("float32 itself falls apart; float64 decides",) if fallen else ()
    if MOST_ROUNDING < ratio <= most:
        details = (f"the one rounds {ratio:.0f} times as much as the other; in float64 they agree",)
    return Part("float32", ratio <= most or fallen, figure, details, figures, threshold)


def _most(found: Apart | None) -> float:
    """How many times as far from float64 the one may be in float32 as the other, whatever is known of float64."""
    beside = found is not None and found.found <= MOST_APART and not found.halved
    return MOST_BESIDE if beside else MOST_ROUNDING


def is_rounded(parts: Iterable[Part]) -> bool:
    """Whether the networks were found to differ in float64 by a number that one of them rounds to float32: whatever is
    compared in float64 besides differs by that as well."""
    return any(bool(part.figures.get("rounded")) for part in parts if part.name == "float64")


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
    if ratio > MOST_ROUNDING and errors.own <= MOST_ERROR * errors.scale and ratio > _most(apart(trial)):
        return None
    words = f"{errors.other:.1e} from the float64 of the {errors.whose} side, which itself is {errors.own:.1e} from it"
    words = f"by rounding: {words} ({ratio:.1f} x)"
    if max(errors.own, errors.other) <= MOST_ERROR * errors.scale:
        return ratio, words
    found = apart(trial)
    if found is None or not found.passed:
        return None
    words = (
        f"{words}; float32 itself falls apart, and in float64 both are {found.found:.1e} of the largest output apart"
    )
    return ratio, f"{words}; {found.why}" if found.why else words


def falls_apart(trial: Trial) -> str:
    """In words, that even in float64 the outputs are what rounding makes of them; empty if they are not."""
    found = apart(trial)
    return found.why if found is not None and not found.passed and found.allowed == MOST_ERROR else ""


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
