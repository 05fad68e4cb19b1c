"""Which outputs change with the input: one that does not is the same in any two networks, and proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from homolog.proof.pairing import paired
from homolog.proof.samples import inputs_for
from homolog.proof.subjects import Subjects, Tolerance, distance
from homolog.proof.trial import Trial
from homolog.tensors import Array

FAINT = 1e-6
"""How far two outputs may lie apart in float64, as a share of how far one changes with the input. An eps of 1e-6 for
1e-5 makes more (docs/proof.md); two correct networks of random weights were 3e-9 apart."""

FAINTEST = 1e-12
"""How much an output has to change there, as a share of its largest number: what changes by less may be rounding."""


@dataclass(frozen=True)
class Changing:
    """What was found.

    Attributes:
        nothing: in words, the outputs that do not change as far as can be told; empty if all do.
        notes: in words, those of which float64 alone tells.
        fixed: places of those that need not change.
    """

    nothing: str = ""
    notes: tuple[str, ...] = ()
    fixed: frozenset[int] = frozenset()


def changing(trials: Sequence[Trial], tolerance: Tolerance) -> Changing:
    """Tell the outputs of these runs that change by more than the tolerance from one sample to another, and, where
    some change by less, whether both networks run in float64 and change there alike."""
    subjects = trials[0].subjects
    seen = [[one for one, _ in trial.found.pairs] for trial in trials]
    outputs = list(zip(*seen, strict=True))
    if sum(arrays[0].shape[0] if arrays[0].ndim else 1 for arrays in seen) < 2:  # one sample alone
        inputs = inputs_for(replace(subjects, given=None), batch=2, seed=1)
        others = paired(subjects, run := subjects.a.run(inputs.first), run).pairs
        outputs = [(*arrays, other) for arrays, (other, _) in zip(outputs, others, strict=False)]
    fixed = _fixed(subjects, len(outputs))
    still = [place for place, arrays in enumerate(outputs) if place not in fixed and not _moves(arrays, tolerance)]
    told = {place: words for place in still if (words := _faintly(trials, place, outputs[place]))}
    silent = [place for place in still if place not in told]
    if silent:
        return Changing(f"output {', '.join(map(str, silent))} does not depend on the input, and so proves nothing")
    same = [f"output {place} holds nothing of the input but its shape, as the source says" for place in sorted(fixed)]
    return Changing(notes=(*told.values(), *same), fixed=fixed)


def _fixed(subjects: Subjects, outputs: int) -> frozenset[int]:
    """Which of so many outputs need not change with the input; none where all of them need not, or where not all of
    the first's are compared, for then the places are others."""
    every = len(subjects.graph_a.outputs) == outputs
    return subjects.fixed if every and len(subjects.fixed) < outputs else frozenset()


def _faintly(trials: Sequence[Trial], place: int, arrays: Sequence[Array]) -> str:
    """In words, that an output changes in float64, and alike in both networks; empty if that cannot be told."""
    trial = max(trials, key=lambda trial: trial.batch)
    wide, other = trial.wide_left, trial.wide_right
    if wide is None or other is None:
        return ""
    one, two = paired(trial.subjects, wide, other).pairs[place]
    if one.shape != two.shape:
        return ""
    first = np.atleast_1d(_batch_first(one, arrays)).astype(np.float64)
    spread, largest = _spread([first]), float(np.abs(first).max(initial=0))
    apart = distance(one, two)
    if spread <= FAINTEST * largest or apart > FAINT * spread:
        return ""
    return (
        f"output {place} changes with the input by {spread / largest:.1e} of its largest number, too little for "
        f"float32; in float64 the two change alike, to {apart / spread:.1e} of that"
    )


def _moves(arrays: Sequence[Array], tolerance: Tolerance) -> bool:
    """Whether an output changes by more than the tolerance from one sample to another."""
    first = [_batch_first(array, arrays) for array in arrays]
    wide = [np.atleast_1d(array).astype(np.float64) for array in first]
    largest = max(float(np.abs(array).max(initial=0)) for array in wide)
    return _spread(wide) > tolerance.atol + tolerance.rtol * largest


def _spread(wide: Sequence[Array]) -> float:
    """The most that a number changes along the first axis of all of these; of each where their sizes differ."""
    if len({array.shape[1:] for array in wide}) > 1:  # of inputs of other sizes: each within its own batch
        return max(float((array.max(axis=0) - array.min(axis=0)).max(initial=0)) for array in wide)
    lowest = np.min([array.min(axis=0) for array in wide], axis=0)
    highest = np.max([array.max(axis=0) for array in wide], axis=0)
    return float((highest - lowest).max(initial=0))


def _batch_first(array: Array, arrays: Sequence[Array]) -> Array:
    """With the axis in front that is the one to change from one batch to another (a state of layers x batch)."""
    ranks = {other.ndim for other in arrays}
    if len(ranks) > 1 or array.ndim < 2:
        return array
    differing = [axis for axis in range(array.ndim) if len({other.shape[axis] for other in arrays}) > 1]
    return np.moveaxis(array, differing[0], 0) if len(differing) == 1 else array
