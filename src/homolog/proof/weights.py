"""Part one of the proof: every weight is there, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from homolog.plan import Plan, Row
from homolog.proof.part import Part
from homolog.tensors import TensorRef, same_bits
from homolog.transfer import backward, forward


@dataclass(frozen=True)
class Wrong:
    """A tensor that is not what the plan says, and by how much."""

    row: Row
    reason: str


def check(plan: Plan, source: Mapping[str, TensorRef], target: Mapping[str, TensorRef]) -> Part:
    """Compare each tensor of the target with its sources, in the target's layout and, inverted, in the source's.

    A row that loses bits by design (another element type) is compared in the target's layout alone.

    Args:
        plan: what the target should hold.
        source, target: the tensors of both, by name.
    """
    wrong: list[Wrong] = []
    not_finite = 0
    for row in plan.rows:
        found = target[row.target].read()
        expected = forward(row, source)
        if not same_bits(found, expected):
            wrong.append(Wrong(row, "other values"))
        elif row.lossless:
            back = backward(row, found)
            sources = [source[name].read() for name in row.sources]
            if not all(same_bits(one, two) for one, two in zip(back, sources, strict=True)):
                wrong.append(Wrong(row, "the way back gives other values"))
        if found.dtype.kind == "f":
            import numpy as np

            not_finite += int(not np.isfinite(found).all())
    details = tuple(f"{item.row.target} from {', '.join(item.row.sources)}: {item.reason}" for item in wrong)
    if not_finite:
        details = (*details, f"{not_finite} tensors hold NaN or infinite values, copied as they are")
    exact = len(plan.rows) - len(wrong)
    return Part(
        "weights",
        not wrong,
        f"{exact} of {len(plan.rows)} tensors bit-exact",
        details,
        {"exact": exact, "tensors": len(plan.rows)},
    )
