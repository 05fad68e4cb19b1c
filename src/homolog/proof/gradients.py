"""Gradients: the same loss changes the weights of both networks alike, tensor by tensor under the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from homolog.live import Gradients
from homolog.plan import FOLDED
from homolog.proof.aims import aims
from homolog.proof.part import Part
from homolog.proof.precision import MOST_ROUNDING
from homolog.proof.pullback import pulled
from homolog.proof.samples import inputs_for
from homolog.proof.subjects import Subjects, distance
from homolog.proof.trial import JITTER
from homolog.tensors import Array, TensorRef
from homolog.transforms import Less, Sum, Times

BATCH = 4
ROUNDED = "float64 with weights rounded to float32"
"""The target holds numbers that the source computes when it runs, or the plan adds or multiplies weights (two biases
that become one), or a layer makes float32 of its own: what that gives is rounded, and in float64 the two
functions differ by that."""
RELATIVE = {"float64": 1e-8, ROUNDED: 1e-6, "float32": 1e-3}
"""How far two gradients may lie apart, as a share of the tensor's largest, by what the coarser side computes in.
Measured on copies: 8e-15, 3e-8 and 1e-5; with an eps of 1e-5 for 1e-6 1e-4, with a tanh GELU for an erf 2e-3."""
FLOOR = {"float64": 1e-12, ROUNDED: 1e-9, "float32": 1e-6}
"""The same as a share of the largest in the network: where a gradient is 0 (a bias in front of a softmax over keys),
what is left is rounding."""
HALF_A_UNIT = 2.0**-25
"""Of a weight in float32: what rounding to it takes from one."""
MOST_MAGNIFIED = {JITTER: 1e-2, HALF_A_UNIT: 3e-5}
"""How far two gradients may lie apart by rounding that a network magnifies, as a share of the tensor's largest, by what
the first's weights are taken to be off by, as a share of themselves, to see it. Where outputs were 9e-7 apart by
float64's own rounding, gradients were 1e-3 apart; where a table of a Gemma was rounded to float32 and its outputs were
5e-8 apart, 3e-6."""
JITTERS: dict[str, tuple[float, ...]] = {"float64": (JITTER,), ROUNDED: (JITTER, HALF_A_UNIT), "float32": ()}
"""Which of them stand between the two networks, by what the coarser side computes in."""


@dataclass
class _Expected:
    """What the gradient by one tensor of the source is by the target's.

    Attributes:
        total: the sum of what every tensor made of it says.
        targets: these.
        why: why it cannot be told; empty if it can.
    """

    total: Array
    targets: list[str] = field(default_factory=list)
    why: str = ""


def check(subjects: Subjects, seed: int = 0) -> Part:
    """Compare the gradients of one loss, at inference, in float64 where both networks can be run so."""
    inputs = inputs_for(subjects, batch=BATCH, seed=seed)
    aim = aims(subjects, subjects.a.run(inputs.first), subjects.b.run(inputs.second), seed)
    if aim.problem:
        return Part("gradients", False, aim.problem, aim.left)
    ours = subjects.a.gradients(inputs.first, aim.first)
    theirs = subjects.b.gradients(inputs.second, aim.second)
    part = compared(subjects, ours, theirs, aim.left)
    again: dict[float, Gradients] = {}
    for jitter in JITTERS[str(part.figures["precision"])]:
        if part.passed:
            break
        again[jitter] = subjects.a.gradients(inputs.first, aim.first, jitter=jitter)
        part = compared(subjects, ours, theirs, aim.left, again)
    return part


def compared(
    subjects: Subjects,
    ours: Gradients,
    theirs: Gradients,
    left: tuple[str, ...] = (),
    again: Mapping[float, Gradients] = MappingProxyType({}),
) -> Part:
    """The part of the proof for these gradients of the two networks.

    Args:
        subjects: the networks.
        ours, theirs: the gradients of each.
        left: in words, what is not compared.
        again: the first's with every weight off by such a share of itself (``JITTERS``): a network that magnifies
            rounding may give others by as much (``precision.apart``).
    """
    precision = precision_of(subjects, ours.precision, theirs.precision)
    refs = {**subjects.a.tensors(), **subjects.a.computed()}
    first_name = _first_names(refs)
    expected = _expected(subjects, refs, first_name, ours, theirs)
    largest = max((float(np.abs(array).max(initial=0)) for array in ours.arrays.values()), default=0.0)
    shares: dict[str, tuple[float, str]] = {}
    magnified: dict[float, float] = {}
    alone = list(_trained_alone(subjects, ours, theirs))
    notes = [*left, *(f"not compared: {name}, {item.why}" for name, item in expected.items() if item.why)]
    still = {first_name.get(name, name): row for name, row in _padding_rows(subjects)}
    for name, item in expected.items():
        if not item.why:
            wide: Array = ours.arrays[name].astype(np.float64)
            total: Array = item.total
            if name in still:
                wide, total = (np.delete(array, still[name], axis=0) for array in (wide, total))
                notes.append(f"not compared: row {still[name]} of {name}, which one network keeps as padding")
            scale = max(float(np.abs(array).max(initial=0)) for array in (wide, total))
            apart = distance(wide, total)
            allowed = RELATIVE[precision] * scale + FLOOR[precision] * largest
            for jitter, other in again.items():
                moved = distance(ours.arrays[name], other.arrays[name])
                rounding = min(MOST_ROUNDING * moved, MOST_MAGNIFIED[jitter] * scale)
                if rounding > allowed:
                    allowed, magnified[jitter] = rounding, max(magnified.get(jitter, 0.0), moved / scale)
            words = f"{', '.join(item.targets)} from {name}: {apart:.1e} apart, the largest is {scale:.1e}"
            shares[name] = (apart / allowed if allowed > 0 else 0.0 if apart == 0 else np.inf, words)
    unseen = [name for name in ours.arrays if first_name.get(name, name) not in expected]
    notes += [f"not compared: {name}, of which no tensor of the target is made" for name in unseen]
    notes += [
        f"not compared: {row.target}, which the source does not have"
        for row in subjects.plan.rows
        if not row.sources and row.target in theirs.arrays
    ]
    frozen = [name for name, ref in refs.items() if ref.trainable is False and name in _learnable(subjects)]
    notes += [f"trained in neither: {len(frozen)} tensors, {frozen[0]} first"] if frozen and not alone else []
    for jitter, most in magnified.items():
        notes.append(f"rounding is magnified: weights off by {jitter:.0e} of themselves move one by {most:.1e}")
    wrong = sorted((item for item in shares.values() if not item[0] <= 1), key=lambda item: -np.nan_to_num(item[0]))
    worst = max((share for share, _ in shares.values()), default=0.0)
    figures = {
        "tensors": len(shares),
        "differ": len(wrong),
        "share_of_threshold": worst,
        "precision": precision,
        "relative": RELATIVE[precision],
        "floor": FLOOR[precision],
    }
    limit = (
        f"{RELATIVE[precision]:.0e} of a tensor's largest gradient and {FLOOR[precision]:.0e} of the network's, "
        f"in {precision}"
    )
    if not shares or largest == 0:
        why = "no gradient reaches a tensor of the first network, which proves nothing"
        return Part("gradients", False, why, (*alone, *notes), figures, limit)
    figure = f"{len(shares) - len(wrong)} of {len(shares)} gradients agree, at most {worst:.1e} of what is allowed"
    if alone:
        figure += f"; {len(alone)} tensors are trained in one network alone"
    details = (*alone, *(words for _, words in wrong), *notes)
    return Part("gradients", not wrong and not alone, figure, details, figures, limit)


def precision_of(subjects: Subjects, *computed_in: str) -> str:
    """The coarsest thing that stands between the two networks: a key of the thresholds."""
    if set(computed_in) != {"float64"}:
        return "float32"
    kinds = (Sum, Less, Times)
    rounds = any(item.side == "target" and item.reason == FOLDED for item in subjects.plan.ignored)
    rounds |= any(row.narrows or any(isinstance(step, kinds) for step in row.transform) for row in subjects.plan.rows)
    return ROUNDED if rounds or subjects.rounded else "float64"


def _expected(
    subjects: Subjects,
    refs: Mapping[str, TensorRef],
    first_name: Mapping[str, str],
    ours: Gradients,
    theirs: Gradients,
) -> dict[str, _Expected]:
    """For each trained tensor of the source, tied ones under their first name, what the target says of it."""
    held = {name: ref.storage for name, ref in subjects.b.tensors().items()}
    found: dict[str, _Expected] = {}
    seen: set[object] = set()
    for row in subjects.plan.rows:
        names = [first_name.get(name, name) for name in row.sources]
        trained = [name for name in names if name in ours.arrays]
        for name in trained:
            found.setdefault(name, _Expected(np.zeros(ours.arrays[name].shape)))
        if row.target not in theirs.arrays:
            for name in trained:  # the target has no gradient for what was folded into it
                found[name].why = f"which is folded into {row.target}" if len(names) > 1 else "trained here alone"
            continue
        tied = (held.get(row.target) or row.target, tuple(names), row.transform)
        if tied in seen:  # one tensor under two names on both sides
            continue
        seen.add(tied)
        values = [refs[name].read().astype(np.float64) for name in row.sources]
        parts = pulled(row.transform, values, [theirs.arrays[row.target].astype(np.float64)])
        for name, part in zip(names, parts, strict=True):
            if name in found:
                found[name].total = np.add(found[name].total, part)
                found[name].targets.append(row.target)
    return found


def _trained_alone(subjects: Subjects, ours: Gradients, theirs: Gradients) -> Iterator[str]:
    """Pairs of tensors of which one is trained and the other is not."""
    for row in subjects.plan.rows:
        if len(row.sources) == 1:
            (source,) = row.sources
            if (source in ours.arrays) != (row.target in theirs.arrays):
                which, other = ("first", "second") if source in ours.arrays else ("second", "first")
                yield f"{row.target} from {source}: trained in the {which}, frozen in the {other}"


def _padding_rows(subjects: Subjects) -> Iterator[tuple[str, int]]:
    """Tables of which the first network keeps a row as it is, for padding, and the second does not."""
    partner = dict(subjects.plan.pairs)
    for node in subjects.graph_a.nodes.values():
        row = node.fields.get("padding_idx")
        other = subjects.graph_b.nodes.get(partner.get(node.name, ""))
        if isinstance(row, int) and (other is None or other.fields.get("padding_idx") is None):
            for weight in node.weights.values():
                yield from ((subjects.names.get(ref.name, ref.name), row % ref.shape[0]) for ref in weight.tensors)


def _learnable(subjects: Subjects) -> set[str]:
    """The first's tensors that are weights, and no statistics."""
    weights = (weight for _, _, weight in subjects.graph_a.weights() if weight.trainable)
    return {subjects.names.get(ref.name, ref.name) for weight in weights for ref in weight.tensors}


def _first_names(refs: Mapping[str, TensorRef]) -> dict[str, str]:
    """For each tensor the first name of what it shares its numbers with."""
    first: dict[object, str] = {}
    return {name: name if ref.storage is None else first.setdefault(ref.storage, name) for name, ref in refs.items()}
