"""What proves that two networks are the same, and where they part if they are not."""

from __future__ import annotations

from dataclasses import dataclass, field

from homolog.errors import Mismatch
from homolog.plan import Difference
from homolog.proof.cause import Cause
from homolog.proof.part import Part

__all__ = ["Cause", "Part", "Proof"]


@dataclass(frozen=True)
class Proof:
    """The verdict on two networks.

    Attributes:
        parts: each with its figure.
        differences: settings in which corresponding layers differ.
        source, target: what was compared, for people.
        causes: why they differ, the likeliest first; empty if they do not, or if nobody knows.
        command: what repeats it, where it was started from the command line.
    """

    parts: tuple[Part, ...]
    differences: tuple[Difference, ...] = ()
    source: str = ""
    target: str = ""
    causes: tuple[Cause, ...] = ()
    command: str = field(default="", compare=False)

    @property
    def passed(self) -> bool:
        """Whether every part passed; a proof without parts proves nothing."""
        return bool(self.parts) and all(part.passed for part in self.parts)

    def raise_if_failed(self) -> None:
        """Raise Mismatch, with every part that failed, unless the proof passed."""
        if not self.passed:
            failed = [part for part in self.parts if not part.passed]
            raise Mismatch(
                "the two networks are not the same",
                where=f"{self.source} and {self.target}" if self.source else None,
                found="; ".join(f"{part.name}: {part.figure}" for part in failed) or "nothing was compared",
                details=[*(line for part in failed for line in part.details), *map(str, self.differences)],
            )

    def __str__(self) -> str:
        lines = [f"{'pass' if part.passed else 'FAIL'}  {part.name}: {part.figure}" for part in self.parts]
        lines += [f"      {line}" for part in self.parts for line in part.details]
        lines += [f"      differs in {difference}" for difference in self.differences]
        for cause in self.causes:
            lines += [str(cause), *([f"help: {cause.help}"] if cause.help else [])]
        lines.append("the same network" if self.passed else "NOT the same network")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from homolog.reporting.html import fragment

        return fragment(self)

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "passed": self.passed,
            "parts": [part.to_dict() for part in self.parts],
            "differences": [str(difference) for difference in self.differences],
            "causes": [cause.to_dict() for cause in self.causes],
            "source": self.source,
            "target": self.target,
            "command": self.command,
        }
