"""Training: a few steps of plain gradient descent, in training mode, leave both networks the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from homolog.live import Lesson, Trained
from homolog.proof.aims import aims
from homolog.proof.gradients import ROUNDED, precision_of
from homolog.proof.part import Part
from homolog.proof.samples import inputs_for
from homolog.proof.statistics import Conventions, conventions, momenta
from homolog.proof.subjects import Subjects
from homolog.transforms import Sum, Times, apply

BATCH = 4
RELATIVE = {"float64": 1e-7, ROUNDED: 1e-5, "float32": 1e-2}
"""How far two tensors may lie apart after training, as a share of how far training moved them, by what the coarser side
computes in. Copies were measured to take up 1e-4, 3e-2 and 3e-2 of it, with ``FLOOR``."""
FLOOR = {"float64": 1e-12, ROUNDED: 1e-6, "float32": 1e-5}
"""The same as a share of the tensor's largest number: what did not move is only rounded."""


def check(subjects: Subjects, steps: int, seed: int = 0) -> Part:
    """Train both on one batch towards the same random targets, in float64 where both can be run so, and compare every
    tensor. Nothing is dropped at random, and neither network is changed."""
    inputs = inputs_for(subjects, batch=BATCH, seed=seed)
    aim = aims(subjects, subjects.a.run(inputs.first), subjects.b.run(inputs.second), seed)
    if aim.problem:
        return Part("training", False, aim.problem, aim.left)
    told = conventions(subjects, inputs.first)
    single = [name for name, count in told.counts.items() if count < 2]
    if single:
        why = f"{single[0]} would be the variance of one number; give inputs with a larger batch"
        return Part("training", False, why, aim.left)
    shares = _shares(subjects)
    ours = subjects.a.train(Lesson(inputs.first, aim.first, steps, None, shares[0]))
    theirs = subjects.b.train(Lesson(inputs.second, aim.second, steps, ours.rate, shares[1]))
    return _compared(
        subjects, (ours, theirs), told, steps, [*aim.left, *_notes(subjects, told, (ours, theirs), shares)]
    )


def _compared(
    subjects: Subjects, trained: tuple[Trained, Trained], told: Conventions, steps: int, notes: Sequence[str]
) -> Part:
    ours, theirs = trained
    precision = precision_of(subjects, ours.precision, theirs.precision)
    before = {**subjects.a.tensors(), **subjects.a.computed()}
    started = {**subjects.b.tensors(), **subjects.b.computed()}
    momentum = momenta(subjects)
    weights: list[tuple[float, str]] = []
    statistics: list[tuple[float, str]] = []
    moved, worst, count = 0.0, 0.0, 0
    for row in subjects.plan.rows:
        if row.target not in theirs.arrays or any(name in told.untold for name in row.sources):
            continue
        sources = [told.taken_over(name, before[name].read(), ours.arrays[name], steps) for name in row.sources]
        (expected,) = apply(row.transform, [array.astype(np.float64) for array in sources])
        found, start = theirs.arrays[row.target].astype(np.float64), started[row.target].read().astype(np.float64)
        way = float(np.abs(found - start).max(initial=0))
        apart = float(np.abs(found - expected.astype(np.float64)).max(initial=0))
        allowed = RELATIVE[precision] * way + FLOOR[precision] * float(np.abs(start).max(initial=0))
        share = apart / allowed if allowed > 0 else 0.0 if apart == 0 else np.inf
        moved, worst, count = max(moved, way), max(worst, share), count + 1
        if not share <= 1:
            words = f"{row.target} from {', '.join(row.sources) or 'nothing'}: {apart:.1e} apart, moved by {way:.1e}"
            (statistics if _is_statistic(subjects, row.target) else weights).append((share, words))
    wrong = [words for _, words in (*sorted(weights, reverse=True), *sorted(statistics, reverse=True))]
    figures = {
        "steps": steps,
        "rate": ours.rate,
        "tensors": count,
        "differ": len(wrong),
        "share_of_threshold": worst,
        "precision": precision,
        "relative": RELATIVE[precision],
        "floor": FLOOR[precision],
    }
    limit = f"{RELATIVE[precision]:.0e} of what a tensor was moved by, in {precision}"
    steps_taken = f"{steps} step{'s' if steps > 1 else ''}"
    if moved == 0:
        return Part(
            "training", False, f"{steps_taken} moved nothing, which proves nothing", tuple(notes), figures, limit
        )
    figure = (
        f"{count - len(wrong)} of {count} tensors agree after {steps_taken}, at most {worst:.1e} of what is allowed"
    )
    if statistics and not weights:
        figure += "; the weights agree, the batch statistics do not"
    because = [f"momentum: {words}" for words in momentum.values()] if statistics else []
    if because and len(statistics) <= 2 * len(because):
        figure += f": momentum, {next(iter(momentum.values()))}"
        because.append("help: set one to the other's, or copy with --carry-config")
    return Part("training", not wrong, figure, (*because, *wrong, *notes), figures, limit)


def _shares(subjects: Subjects) -> tuple[dict[str, float], dict[str, float]]:
    """For tensors of the first and the second network how much of a step they take, so that the two stay together.

    Two biases that are always added have one gradient each, and would move their sum twice as far as one; what the
    source does not have stays as it is.
    """
    first: dict[str, float] = {}
    second: dict[str, float] = {}
    for row in subjects.plan.rows:
        if any(isinstance(transform, Sum) for transform in row.transform):
            first |= {name: 1 / len(row.sources) for name in row.sources}
        if not row.sources:
            second[row.target] = 0.0
    return first, second


def _notes(
    subjects: Subjects, told: Conventions, trained: tuple[Trained, Trained], shares: tuple[Mapping[str, float], ...]
) -> list[str]:
    """What was done to make the two comparable, in words."""
    lines = []
    if told.factors:
        name, counts = next(iter(told.factors)), sorted(set(told.counts.values()))
        lines.append(
            f"variances ({name} …): PyTorch keeps n / (n - 1) of the batch's, Keras the batch's own, with n = "
            f"{', '.join(map(str, counts))} numbers a channel; taken into account"
        )
    lines += [f"not compared: {name}, {why}" for name, why in told.untold.items()]
    quiet = list(dict.fromkeys(name for one in trained for name in one.silenced))
    if quiet:
        lines.append(f"kept from doing anything at random: {', '.join(quiet[:5])}{' …' if len(quiet) > 5 else ''}")
    halved, held = list(shares[0]), [name for name in shares[1] if name in trained[1].arrays]
    if halved:
        lines.append(f"{halved[0]} and what it is added to share a step: together they would move further than one")
    if held:
        lines.append(f"held as they are, for the source does not have them: {', '.join(held[:5])}")
    if any(isinstance(transform, Times) for row in subjects.plan.rows for transform in row.transform):
        lines.append("a scale is folded into other weights, which by themselves are trained otherwise")
    computed = [*subjects.a.computed(), *subjects.b.computed()]
    if computed:
        lines.append(f"{computed[0]} is computed from other tensors, and was trained as if it were stored")
    return lines


def _is_statistic(subjects: Subjects, target: str) -> bool:
    statistics = (weight for _, _, weight in subjects.graph_b.weights() if not weight.trainable)
    return target in {ref.name for weight in statistics for ref in weight.tensors}
