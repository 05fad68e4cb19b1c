"""Part of the proof: both networks give the same outputs, and if not, where they part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np

from homolog.proof.changing import changing
from homolog.proof.layouts import layouts
from homolog.proof.localise import first_difference
from homolog.proof.part import Part
from homolog.proof.precision import falls_apart, rounding
from homolog.proof.subjects import Subjects, Tolerance, distance, limit, share
from homolog.proof.trial import Trial, tried
from homolog.tensors import Array

SEEDS = (0, 1, 2)
BATCHES = (1, 3, 2)
SCALES = (0.1, 0.01, 10.0)
"""Deviations of random inputs, where those of 1 leave the outputs at one end of their range, or still."""
SQUEEZE = "help: with a batch of one an axis more is dropped: name the axis that squeeze() is to take away"
CALMER = "help: give the network weights and statistics with which it is steadier, trained ones say"
GIVE = "help: give inputs on which it varies: --load-inputs x.npz, or inputs=…"


def trials(
    subjects: Subjects,
    seeds: Sequence[int],
    batches: Sequence[int] = BATCHES,
    first: Trial | None = None,
    *,
    alone: bool = False,
) -> Iterator[Trial]:
    """Run both networks: every seed once, each with another size of batch; a single seed with the first two of them,
    for outputs that do not depend on the input must be told; inputs that the user brought once.

    Args:
        subjects: the networks.
        seeds: of the random inputs.
        batches: their sizes, in turn.
        first: what the first of these runs gave, if it was made already.
        alone: whether to leave it at the first.
    """
    runs = list(zip(seeds, cycle(batches), strict=False))
    if len(seeds) == 1:
        runs = [(seeds[0], batch) for batch in batches[:2]]
    for seed, batch in runs[:1] if alone or subjects.given is not None else runs:
        known = first is not None and (first.seed, first.batch) == (seed, batch)
        yield first if first is not None and known else tried(subjects, seed, batch)


def check(
    subjects: Subjects,
    tolerance: Tolerance,
    seeds: Sequence[int] = SEEDS,
    name: str = "outputs",
    batches: Sequence[int] = BATCHES,
    first: Trial | None = None,
    *,
    alone: bool = False,
    localised: bool = True,
) -> Part:
    """Run both on the same inputs and compare every output.

    Outputs that are the same whatever goes in, or that are all at the end of their range, prove nothing, so they do
    not pass. Random inputs of another deviation are tried before that is said.

    Args:
        subjects: the networks.
        tolerance: how far the outputs may lie apart.
        seeds: of the random inputs.
        name: of the part.
        batches: their sizes, in turn.
        first: what the first of the runs gave, if it was made already.
        alone: whether to leave it at the first of the runs, for another part compares what another batch gives.
        localised: whether to look for the layer where they part, which takes all that passes through both.
    """
    part = _checked(subjects, tolerance, seeds, name, batches, first, alone=alone, localised=localised)
    for scale in SCALES if subjects.given is None else ():
        if part.passed or "proves_nothing" not in part.figures:
            return part
        other = _checked(replace(subjects, scale=scale), tolerance, seeds, name, batches, localised=localised)
        if "proves_nothing" not in other.figures:
            return replace(other, details=(*other.details, f"inputs of a deviation of {scale}; with 1, {part.figure}"))
    return part


def _checked(
    subjects: Subjects,
    tolerance: Tolerance,
    seeds: Sequence[int],
    name: str,
    batches: Sequence[int],
    first: Trial | None = None,
    *,
    alone: bool = False,
    localised: bool = True,
) -> Part:
    worst, ratio, count = 0.0, 0.0, 0
    notes: dict[str, None] = dict.fromkeys(layouts(subjects))
    rounded: tuple[float, str] | None = None
    seen: list[Trial] = []
    threshold = f"{tolerance.atol:.0e} + {tolerance.rtol:.0e} x the largest output ({tolerance.resolution})"
    for trial in trials(subjects, seeds, batches, first, alone=alone):
        count += 1
        found = trial.found
        problem = _problem(found.pairs)
        if problem:
            details = (*_where(subjects, trial, tolerance, localised), *found.left, *notes)
            hints = (SQUEEZE,) if trial.batch == 1 and all(map(_but_for_ones, found.pairs)) else ()
            return Part(name, False, problem, (*details, *hints), {}, threshold)
        apart = [(distance(one, two), limit(one, tolerance)) for one, two in found.pairs]
        worst = max(worst, *(difference for difference, _ in apart))
        over = max(share(*entry) for entry in apart)
        far = over > 1 and tolerance.rounding
        strays = rounding(trial) if far else None
        nothing = falls_apart(trial) if far and strays is None else ""
        if nothing:
            figures: dict[str, object] = {"max_abs_error": worst, "proves_nothing": nothing}
            return Part(name, False, f"{nothing}, and so proves nothing", (*notes, CALMER), figures, threshold)
        if over > 1 and strays is None:
            where = f"seed {trial.seed}, batch {trial.batch}" if subjects.given is None else "the inputs given"
            figure = f"outputs differ by {worst:.1e} ({where}), {over:.1f} x what is allowed"
            details = (*_where(subjects, trial, tolerance, localised), *notes)
            return Part(name, False, figure, details, {"max_abs_error": worst}, threshold)
        ratio = max(ratio, over)
        rounded = max(filter(None, (rounded, strays)), default=None)
        notes.update(dict.fromkeys(found.left))
        seen.append(trial)
    if rounded is not None:
        notes[rounded[1]] = None
    figures = {"max_abs_error": worst, "share_of_tolerance": ratio, "inputs": count}
    moving = changing(seen, tolerance)
    if moving.nothing:
        figures["proves_nothing"] = moving.nothing
        return Part(name, False, moving.nothing, (*notes, GIVE), figures, threshold)
    notes.update(dict.fromkeys(moving.notes))
    outputs = list(zip(*([one for one, _ in trial.found.pairs] for trial in seen), strict=True))
    full = [
        place for place, arrays in enumerate(outputs) if place not in moving.fixed and all(map(_is_saturated, arrays))
    ]
    if full:
        which = f"output {', '.join(map(str, full))} is saturated, every number at one end of its range"
        figures["proves_nothing"] = which
        return Part(name, False, f"{which}, and so proves nothing", (*notes, GIVE), figures, threshold)
    over_inputs = "one input" if count == 1 else f"{count} inputs"
    figure = f"largest difference {worst:.1e} over {over_inputs}, {ratio:.2f} of what {tolerance.resolution} allows"
    return Part(name, True, figure, tuple(notes), figures, threshold)


def _where(subjects: Subjects, trial: Trial, tolerance: Tolerance, localised: bool) -> tuple[str, ...]:
    """The layer where the two part, in words, if it is to be looked for."""
    return (first_difference(subjects, trial.inputs, tolerance),) if localised else ()


def _problem(pairs: Sequence[tuple[Array, Array]]) -> str:
    """Why the outputs cannot be the same, before any number is compared; empty if they can."""
    if not pairs:
        return "the networks give no outputs that could be compared"
    for one, two in pairs:
        if one.shape != two.shape:
            return f"outputs of shapes {one.shape} and {two.shape}"
        if not (np.isfinite(one).all() and np.isfinite(two).all()):
            return "the outputs hold NaN or infinite values, which prove nothing"
    return ""


def _but_for_ones(pair: tuple[Array, Array]) -> bool:
    """Whether two shapes are the same without the axes of one."""
    one, two = ([length for length in array.shape if length != 1] for array in pair)
    return one == two and pair[0].shape != pair[1].shape


def _is_saturated(array: Array) -> bool:
    """Whether all of many real numbers are the largest or the smallest of them, as behind a softmax of huge logits."""
    if array.dtype.kind != "f" or array.size < 4:
        return False
    wide = array.astype(np.float64)
    near = 1e-6 * (wide.max() - wide.min())
    return bool(((wide - wide.min() <= near) | (wide.max() - wide <= near)).all())
