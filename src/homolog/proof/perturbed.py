"""Part of the proof: the outputs once more, with other batch statistics, scales and shifts in both networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from homolog.graph import Node, Weight
from homolog.live import Live
from homolog.proof import outputs, precision
from homolog.proof.localise import first_difference
from homolog.proof.part import Part
from homolog.proof.samples import inputs_for
from homolog.proof.subjects import Subjects, Tolerance
from homolog.proof.trial import tried
from homolog.tensors import Array, array_ref
from homolog.transfer import transfer

NAME = "perturbed statistics"
SEED = 3
STRENGTHS = (1.0, 0.2)
"""How much to perturb; less where a network is so deep that float32 itself falls apart."""
GENTLY = "perturbed gently: with more, float32 itself falls apart"
FALLEN = 1e-3
"""Of the largest output: from here on an error of float32 tells nothing of the function."""


def check(subjects: Subjects, tolerance: Tolerance, batch: int = 2) -> Part | None:
    """The same with other batch statistics, scales and shifts in both: trivial ones prove nothing.

    None where the networks hold no statistics, or the second computes from others what they are folded into. Both
    networks are left as they were.

    Args:
        subjects: the networks.
        tolerance: how far the outputs may lie apart.
        batch: of the inputs, more than one: outputs that do not depend on the input show within it.
    """
    nodes = [node for node in subjects.graph_a.nodes.values() if "running_var" in node.weights]
    part = None
    for strength in STRENGTHS if nodes else ():
        part, fallen = _tried(subjects, tolerance, batch, nodes, strength)
        if part is None or not fallen:
            gently = (GENTLY,) if strength < 1 and part is not None and part.passed else ()
            return part if part is None else replace(part, details=(*part.details, *gently))
    return part


def _tried(
    subjects: Subjects, tolerance: Tolerance, batch: int, nodes: Sequence[Node], strength: float
) -> tuple[Part | None, bool]:
    """The part, with statistics so far off, and whether float32 falls apart with them, so that it tells nothing."""
    random = np.random.default_rng(7)
    held = subjects.a.tensors()
    before: dict[str, Array] = {}
    changed: dict[str, Array] = {}
    for node in nodes:
        names = {slot: _live_name(subjects, weight) for slot, weight in node.weights.items()}
        arrays = {slot: held[name].read().copy() for slot, name in names.items() if name in held}
        before.update({names[slot]: array for slot, array in arrays.items()})
        changed.update({names[slot]: array for slot, array in _perturbed(arrays, random, strength).items()})
    touched = set(changed)
    theirs = subjects.b.tensors()
    if any(row.target not in theirs for row in subjects.plan.rows if not touched.isdisjoint(row.sources)):
        return None, False  # it is computed from others, and cannot be set
    refs = {**held, **subjects.a.computed(), **{name: array_ref(name, array) for name, array in changed.items()}}
    rows = tuple(row for row in subjects.plan.rows if not touched.isdisjoint(row.sources))
    with _filled(subjects.a, changed, before):
        target = dict(transfer(replace(subjects.plan, rows=rows), refs))
        kept = {name: ref.read().copy() for name, ref in theirs.items() if name in target}
        with _filled(subjects.b, target, kept):
            part = outputs.check(subjects, tolerance, (SEED,), NAME, (batch,), localised=False)
            fallen = False
            if not part.passed:
                part, fallen = _in_float64(subjects, part, batch)
            again = fallen and strength != STRENGTHS[-1]
            if not part.passed and not again and "proves_nothing" not in part.figures:
                where = first_difference(subjects, inputs_for(subjects, batch=batch, seed=SEED), tolerance)
                part = replace(part, details=(where, *part.details))
            return part, fallen


def _in_float64(subjects: Subjects, part: Part, batch: int) -> tuple[Part, bool]:
    """Where float32 itself falls apart with such statistics, the two are compared in float64; and whether that falls
    apart as well."""
    found = precision.apart(tried(subjects, seed=SEED, batch=batch))
    if found is None or found.own <= FALLEN:
        return part, False
    if not found.passed:
        return part, True
    figure = f"in float64 the outputs are {found.found:.1e} of the largest apart"
    note = f"float32 itself falls apart with these statistics: one network is off by {found.own:.1e} of the largest"
    figures = {"relative": found.found, "own": found.own}
    details = (note, found.why) if found.why else (note,)
    return Part(NAME, True, figure, details, figures, f"{found.allowed:.0e} of the largest output"), False


def _live_name(subjects: Subjects, weight: Weight) -> str:
    (ref,) = weight.tensors
    return subjects.names.get(ref.name, ref.name)


def _perturbed(arrays: Mapping[str, Array], random: np.random.Generator, strength: float) -> dict[str, Array]:
    """Another scale, shift, mean and variance, in the measure of those that are there: what follows a layer whose
    statistics are far off may overflow."""
    wide = {slot: array.astype(np.float64) for slot, array in arrays.items()}
    spread = np.sqrt(wide["running_var"])
    changed = {}
    for slot, array in wide.items():
        factor = 1 + strength * (0.3 * random.random(array.shape) - 0.1)
        shift = (factor - 1) * (spread if slot == "running_mean" else 1)
        moved = array * factor if slot in ("weight", "running_var") else array + shift
        changed[slot] = moved.astype(arrays[slot].dtype)
    return changed


@contextmanager
def _filled(live: Live, values: Mapping[str, Array], before: Mapping[str, Array]) -> Iterator[None]:
    live.fill(values.items())
    try:
        yield
    finally:
        live.fill(before.items())
