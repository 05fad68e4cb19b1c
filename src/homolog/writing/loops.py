"""Loops, as they stand between the other lines of a function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from homolog.writing.lines import Line, Operand


@dataclass(frozen=True)
class Carried:
    """A variable that a repetition gets from the one before.

    Attributes:
        name: what the body knows it by.
        first: what the first repetition reads.
        next: the variable of the body that the next repetition reads.
    """

    name: str
    first: str
    next: str


@dataclass(frozen=True)
class Loop:
    """Lines that are repeated.

    Attributes:
        repetitions: how often.
        body: the lines of one repetition.
        carried: variables that change from one repetition to the next.
        moving: variables of the body that stand for another operand in each repetition, with these operands.
        counter: the name that counts, its first value and its step; None if nothing is counted.
        columns: names that stand for another term in each repetition, with these terms.
    """

    repetitions: int
    body: tuple[Line | Loop, ...]
    carried: tuple[Carried, ...] = ()
    moving: tuple[tuple[str, tuple[Operand, ...]], ...] = ()
    counter: tuple[str, int, int] | None = None
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def names(self) -> Iterator[str]:
        """The names that are not variables and that it, or a loop inside it, assigns."""
        if self.counter is not None:
            yield self.counter[0]
        yield from (name for name, _ in self.columns)
        for item in self.body:
            if isinstance(item, Loop):
                yield from item.names


def length(items: Sequence[Line | Loop]) -> int:
    """How many lines of source the items take."""
    return sum(1 if isinstance(item, Line) else 1 + length(item.body) for item in items)
