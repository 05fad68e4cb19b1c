"""One measured figure and the bound it is held to."""

from __future__ import annotations

from dataclasses import dataclass


class Broken(Exception):
    """A command that was to be measured failed."""


@dataclass(frozen=True)
class Figure:
    """What a benchmark returns.

    Attributes:
        name: what was measured.
        figure: what came out, or None where the measurement itself failed.
        bound: the most that it may be, or None likewise.
        unit: of both.
        note: the times behind a ratio, or why there is no figure.
    """

    name: str
    figure: float | None
    bound: float | None
    unit: str
    note: str

    @property
    def passed(self) -> bool:
        return self.figure is not None and self.bound is not None and self.figure <= self.bound

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "figure": self.figure,
            "bound": self.bound,
            "unit": self.unit,
            "passed": self.passed,
            "note": self.note,
        }
