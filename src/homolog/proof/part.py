"""One part of a proof: a verdict with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        name: ``weights``, ``outputs``, ``perturbed statistics``.
        passed: the verdict.
        figure: what was measured against what, in words.
        details: what is worth a line each, such as every tensor that is wrong.
        figures: the numbers.
        threshold: what the figure must keep to, in words.
    """

    name: str
    passed: bool
    figure: str
    details: tuple[str, ...] = ()
    figures: Mapping[str, object] = field(default_factory=dict)
    threshold: str = ""

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "name": self.name,
            "passed": self.passed,
            "figure": self.figure,
            "details": list(self.details),
            "figures": dict(self.figures),
            "threshold": self.threshold,
        }
