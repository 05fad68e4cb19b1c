"""Part one of the proof: every weight is there, bit for bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from homolog.plan import Plan, Row
from homolog.proof.part import Part
from homolog.tensors import Array, TensorRef, same_bits
from homolog.transfer import backward, forward, sources


@dataclass(frozen=True)
class Wrong:
    """A tensor that is not what the plan says, and by how much."""

    row: Row
    reason: str


def check(plan: Plan, source: Mapping[str, TensorRef], target: Mapping[str, TensorRef]) -> Part:
    """Compare each tensor of the target with its sources, inverted, in the source's layout.

    A row that changes the element type is compared in the target's layout as well; one that loses bits by design (a
    narrower element type, a sum) in that alone, and counted as rounded.

    Args:
        plan: what the target should hold.
        source, target: the tensors of both, by name.
    """
    wrong: list[Wrong] = []
    rounded: Counter[str] = Counter()
    not_finite = 0
    for row in plan.rows:
        found = target[row.target].read()
        reason = _reason(row, source, found)
        if reason:
            wrong.append(Wrong(row, reason))
        elif row.narrows:
            rounded[row.cast] += 1
        if found.dtype.kind in "fV":  # V: bfloat16 and the like
            not_finite += int(not np.isfinite(found).all())
    details = [f"{item.row.target} from {', '.join(item.row.sources)}: {item.reason}" for item in wrong]
    details += [f"{count} tensors are rounded, {cast}" for cast, count in rounded.items()]
    if not_finite:
        details.append(f"{not_finite} tensors hold NaN or infinite values, copied as they are")
    exact = len(plan.rows) - len(wrong) - rounded.total()
    figure = f"{exact} of {len(plan.rows)} tensors bit-exact"
    if rounded:
        figure += f", {rounded.total()} rounded to the target's element type"
    figures = {"exact": exact, "tensors": len(plan.rows), "rounded": rounded.total()}
    return Part("weights", not wrong, figure, tuple(details), figures, "every bit")


def _reason(row: Row, source: Mapping[str, TensorRef], found: Array) -> str:
    """Why a tensor is not what the plan says; empty if it is."""
    if found.shape != row.target_shape:
        return f"its shape is {found.shape}, not {row.target_shape}"
    ours = sources(row, source)
    back = row.lossless and all(same_bits(one, two) for one, two in zip(backward(row, found), ours, strict=True))
    if back and not row.cast:
        return ""  # a lossless layout only moves numbers, so there is none in the target that was not compared
    if not same_bits(found, forward(row, source)):
        return "other values"
    return "the way back gives other values" if row.lossless and not back else ""
