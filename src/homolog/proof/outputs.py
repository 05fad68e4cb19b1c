"""Part two of the proof: both networks give the same outputs, and if not, where they part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from homolog.graph import Weight
from homolog.live import Live, Run
from homolog.proof.localise import first_difference
from homolog.proof.pairing import paired
from homolog.proof.part import Part
from homolog.proof.samples import Samples, samples
from homolog.proof.subjects import Subjects, Tolerance, distance, limit, share
from homolog.tensors import Array, array_ref
from homolog.transfer import transfer

SEEDS = (0, 1, 2)
BATCHES = (1, 3)
MOST_ROUNDING = 8.0
"""How many times as far from the float64 of one side the other may lie as that side itself in float32."""
MOST_ERROR = 1e-3
"""How far both may, as a share of the largest output: beyond it float32 proves nothing."""


def check(subjects: Subjects, tolerance: Tolerance, seeds: Sequence[int] = SEEDS, name: str = "outputs") -> Part:
    """Run both on the same random inputs and compare every output.

    Outputs that are the same whatever goes in prove nothing, so they do not pass.

    Args:
        subjects: the networks.
        tolerance: how far the outputs may lie apart.
        seeds: one input each, with every size of batch.
        name: of the part.
    """
    worst, ratio = 0.0, 0.0
    notes: dict[str, None] = {}
    rounded: tuple[float, str] | None = None
    seen: list[list[Array]] = []
    for seed in seeds:
        for batch in BATCHES:
            inputs = samples(subjects.graph_a, subjects.graph_b, batch=batch, seed=seed)
            left, right = subjects.a.run(inputs.first), subjects.b.run(inputs.second)
            found = paired(subjects, left, right)
            problem = _problem(found.pairs)
            if problem:
                return Part(name, False, problem, (first_difference(subjects, inputs, tolerance), *found.left))
            apart = [(distance(one, two), limit(one, tolerance)) for one, two in found.pairs]
            worst = max(worst, *(difference for difference, _ in apart))
            over = max(share(*entry) for entry in apart)
            far = over > 1 and tolerance.rounding
            rounding = _as_far_from_exact(subjects, inputs, left, right) if far else None
            if over > 1 and rounding is None:
                figure = f"outputs differ by {worst:.1e} (seed {seed}, batch {batch}), {over:.1f} x what is allowed"
                where = first_difference(subjects, inputs, tolerance)
                return Part(name, False, figure, (where,), {"max_abs_error": worst})
            ratio = max(ratio, over)
            rounded = max(filter(None, (rounded, rounding)), default=None)
            notes.update(dict.fromkeys(found.left))
            seen.append([one for one, _ in found.pairs])
    if rounded is not None:
        notes[rounded[1]] = None
    count = len(seeds) * len(BATCHES)
    figures = {"max_abs_error": worst, "share_of_tolerance": ratio, "inputs": count}
    still = [place for place, arrays in enumerate(zip(*seen, strict=True)) if not _moves(arrays, tolerance)]
    if still:
        which = ", ".join(str(place) for place in still)
        why = f"output {which} does not depend on the input, and so proves nothing"
        return Part(name, False, why, tuple(notes), figures)
    figure = f"largest difference {worst:.1e} over {count} inputs, {ratio:.2f} of what {tolerance.resolution} allows"
    return Part(name, True, figure, tuple(notes), figures)


def _as_far_from_exact(subjects: Subjects, inputs: Samples, left: Run, right: Run) -> tuple[float, str] | None:
    """Whether outputs that lie apart do so by rounding, which a deep network, or an attention with sharp scores,
    magnifies: then the one side is about as far from the other side's float64 as that side itself is in float32.

    A wrong eps was measured to put it 104 times as far, a wrong GELU 426 times; correct conversions lie within 3.

    Returns:
        How many times as far, and that in words; None if it is no rounding, or neither side runs in float64.
    """
    exact = subjects.a.exact(inputs.first)
    if exact is not None:
        own = max(distance(one, two) for one, two in zip(left.outputs, exact.outputs, strict=True))
        other = max(distance(one, two) for one, two in paired(subjects, exact, right).pairs)
    else:
        exact = subjects.b.exact(inputs.second)
        if exact is None:
            return None
        own = max(distance(one, two) for one, two in zip(right.outputs, exact.outputs, strict=True))
        other = max(distance(one, two) for one, two in paired(subjects, left, exact).pairs)
    scale = max(float(np.abs(array.astype(np.float64)).max(initial=0)) for array in exact.outputs)
    if own == 0 or other / own > MOST_ROUNDING or max(own, other) > MOST_ERROR * scale:
        return None
    words = f"by rounding: {other:.1e} from the float64 of the PyTorch side, which itself is {own:.1e} from it"
    return other / own, f"{words} ({other / own:.1f} x, of 8 allowed)"


def check_perturbed(subjects: Subjects, tolerance: Tolerance) -> Part | None:
    """The same with other batch statistics, scales and shifts in both: trivial ones prove nothing.

    None where the networks hold no statistics. Both networks are left as they were.
    """
    nodes = [node for node in subjects.graph_a.nodes.values() if "running_var" in node.weights]
    if not nodes:
        return None
    random = np.random.default_rng(7)
    before = {name: ref.read().copy() for name, ref in subjects.a.tensors().items()}
    changed = dict(before)
    for node in nodes:
        names = {slot: _live_name(subjects, weight) for slot, weight in node.weights.items()}
        arrays = {slot: before[name] for slot, name in names.items()}
        changed.update({names[slot]: array for slot, array in _perturbed(arrays, random).items()})
    with _filled(subjects.a, changed, before):
        target = dict(transfer(subjects.plan, {name: array_ref(name, array) for name, array in changed.items()}))
        held = {name: ref.read().copy() for name, ref in subjects.b.tensors().items() if name in target}
        with _filled(subjects.b, target, held):
            return check(subjects, tolerance, (3,), "perturbed statistics")


def _live_name(subjects: Subjects, weight: Weight) -> str:
    (ref,) = weight.tensors
    return subjects.names.get(ref.name, ref.name)


def _perturbed(arrays: Mapping[str, Array], random: np.random.Generator) -> dict[str, Array]:
    """Another scale, shift, mean and variance, in the measure of those that are there: what follows a layer whose
    statistics are far off may overflow."""
    wide = {slot: array.astype(np.float64) for slot, array in arrays.items()}
    spread = np.sqrt(wide["running_var"])
    changed = {}
    for slot, array in wide.items():
        factor = 0.9 + 0.3 * random.random(array.shape)  # more, in fifty layers, and float32 itself falls apart
        shift = (factor - 1) * (spread if slot == "running_mean" else 1)
        moved = array * factor if slot in ("weight", "running_var") else array + shift
        changed[slot] = moved.astype(arrays[slot].dtype)
    return changed


def _moves(arrays: Sequence[Array], tolerance: Tolerance) -> bool:
    """Whether an output changes by more than the tolerance from one sample to another."""
    wide = [np.atleast_1d(array).astype(np.float64) for array in arrays]
    lowest = np.min([array.min(axis=0) for array in wide], axis=0)
    highest = np.max([array.max(axis=0) for array in wide], axis=0)
    largest = max(float(np.abs(array).max(initial=0)) for array in wide)
    return float((highest - lowest).max(initial=0)) > tolerance.atol + tolerance.rtol * largest


@contextmanager
def _filled(live: Live, values: Mapping[str, Array], before: Mapping[str, Array]) -> Iterator[None]:
    live.fill(values.items())
    try:
        yield
    finally:
        live.fill(before.items())


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
