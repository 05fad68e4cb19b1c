"""Where lines repeat: runs of a period, with what each repetition reads told in the same way.

A repetition may read what it made itself, what the one before made (then the loop carries it), what was made before the
run, alike in all repetitions or another one in each, and lists that grow by one with every repetition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from homolog.writing.columns import CELL, Column, Columns
from homolog.writing.lines import Line, Operand, variable

LONGEST_PERIOD = 64
LIST = 2
"""Lines that a list counts for which a loop fills."""
MOST_LISTS = 2

Made = tuple[int, int]
"""A line of the period and a target of it."""
Place = tuple[int, int, int]
"""A line of the period, an operand of it, and an element of that (-1 if it is not a list display)."""


@dataclass
class Patience:
    """How many more operands are looked at before longer periods are given up, which come to less and less."""

    left: int = 100_000


@dataclass
class Run:
    """A period and its repetitions.

    Attributes:
        start: place of the first line.
        period: lines of one repetition.
        repetitions: how many there are.
        carried: what is read of the repetition before, with what the first repetition reads instead.
        sources: which of the operands read it.
        moving: operands that are others in each repetition.
        growing: operands that are lists which grow, by what and from what.
        collected: what is read behind the run of more repetitions than the last.
    """

    start: int
    period: int
    repetitions: int = 1
    carried: dict[Made, str] = field(default_factory=dict)
    sources: dict[Place, Made] = field(default_factory=dict)
    moving: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    growing: dict[tuple[int, int], tuple[Made, tuple[str, ...]]] = field(default_factory=dict)
    collected: tuple[Made, ...] = ()

    @property
    def stop(self) -> int:
        """Place after the last line."""
        return self.start + self.period * self.repetitions


class Runs:
    """The runs among some lines.

    Args:
        lines: in order of execution.
        needed: the variables that are read behind them.
        taken: names that a loop must not assign.
        patience: how much more may be looked at.
    """

    def __init__(self, lines: Sequence[Line], needed: Iterable[str], taken: frozenset[str], patience: Patience) -> None:
        self.lines = lines
        self.taken = taken
        self.made = {name: (at, n) for at, line in enumerate(lines) for n, name in enumerate(line.targets)}
        self.last = {name: at for at, line in enumerate(lines) for name in line.variables()}
        self.last.update((name, len(lines)) for name in needed)
        self.patience = patience

    def read_behind(self, start: int, stop: int) -> set[str]:
        """Which variables of some lines are read behind them."""
        made = (name for line in self.lines[start:stop] for name in line.targets)
        return {name for name in made if self.last.get(name, -1) >= stop}

    def chosen(self) -> list[Run]:
        """Runs that do not overlap, in order: the one that saves the most lines, then the next, as long as any does."""
        kinds: dict[object, int] = {}
        symbols = [kinds.setdefault((line.pattern, len(line.targets)), len(kinds)) for line in self.lines]
        found: list[tuple[float, Run]] = []
        for period in range(1, min(LONGEST_PERIOD, len(self.lines) // 2) + 1):
            for start, stop in _stretches(symbols, period):
                most = stop - start - 1
                if any(saved >= most and run.start <= start and stop + period <= run.stop for saved, run in found):
                    # A shorter period has made all of it a loop already, and nothing is left to save.
                    continue
                for run in self._candidates(start, stop, period):
                    saved = self.saved(run)
                    if saved is not None:
                        found.append((saved, run))
            if self.patience.left < 0:
                break
        chosen: list[Run] = []
        free = [True] * len(self.lines)
        # The sort is stable: of equal runs, the one with the shorter period, then the first.
        for _, run in sorted(found, key=lambda item: -item[0]):
            if all(free[run.start : run.stop]):
                free[run.start : run.stop] = [False] * (run.stop - run.start)
                chosen.append(run)
        return sorted(chosen, key=lambda run: run.start)

    def _candidates(self, start: int, stop: int, period: int) -> Iterator[Run]:
        """Runs in a stretch where every line is like the one a period later; where one ends, the next may begin."""
        while start <= stop - period:
            found = []
            for at in range(start, min(start + period, stop - period + 1)):
                run = self.run(at, period, (stop - at) // period + 1)
                found += [run] if run is not None else []
            yield from found
            start = max((run.stop for run in found), default=start + period)

    def run(self, start: int, period: int, repetitions: int) -> Run | None:
        """The run that begins at a place, with so many repetitions at most; None if there are less than two."""
        run = Run(start, period)
        if any(line.pattern.late for line in self.lines[start : start + period]):
            return None
        for repetition in range(1, repetitions):
            if not self._continues(run, repetition):
                break
            run.repetitions = repetition + 1
        if run.repetitions < 2:
            return None
        run.moving = {
            place: operands[: run.repetitions]
            for place, operands in run.moving.items()
            if len(set(operands[: run.repetitions])) > 1
        }
        read = [
            made
            for made in self._all_made(run)
            if any(self.last.get(name, -1) >= run.stop for name in self.variables(run, made)[:-1])
        ]
        run.collected = tuple(read)
        return run

    def _all_made(self, run: Run) -> Iterator[Made]:
        for place in range(run.period):
            for target in range(len(self.lines[run.start + place].targets)):
                yield place, target

    def variables(self, run: Run, made: Made) -> list[str]:
        """What a target is called in each repetition."""
        place, target = made
        return [self.lines[at].targets[target] for at in range(run.start + place, run.stop, run.period)]

    def _continues(self, run: Run, repetition: int) -> bool:
        """Whether one more repetition reads as those before do; the run is told what it reads."""
        for place in range(run.period):
            first = self.lines[run.start + place]
            line = self.lines[run.start + place + run.period * repetition]
            before = self.lines[run.start + place + run.period * (repetition - 1)]
            for slot, (one, other) in enumerate(zip(first.reads, line.reads, strict=True)):
                if isinstance(one, str) and isinstance(other, str):
                    if not self._alike(run, repetition, (place, slot, -1), one, other):
                        return False
                elif isinstance(one, str) or isinstance(other, str):
                    return False
                elif len(one) != len(other) or (place, slot) in run.growing:
                    if not self._grows(run, repetition, (place, slot), before.reads[slot], other):
                        return False
                elif not all(
                    self._alike(run, repetition, (place, slot, n), a, b)
                    for n, (a, b) in enumerate(zip(one, other, strict=True))
                ):
                    return False
        return True

    def _origin(self, run: Run, operand: str) -> tuple[int, Made] | None:
        """The repetition that made an operand and where, None if it was made before the run."""
        at, target = self.made.get(variable(operand), (-1, 0))
        if at < run.start:
            return None
        repetition, place = divmod(at - run.start, run.period)
        return repetition, (place, target)

    def _alike(self, run: Run, repetition: int, place: Place, one: str, other: str) -> bool:
        """Whether an operand of a repetition is told as that of the first one is."""
        self.patience.left -= 1
        first, found = self._origin(run, one), self._origin(run, other)
        if first is not None:
            return found == (repetition, first[1])
        if found is None:
            if place in run.sources:
                return False
            run.moving[place] = (*run.moving.get(place, (one,)), other)
            return True
        earlier, made = found
        if earlier != repetition - 1 or (repetition > 1 and run.sources.get(place) != made):
            return False
        if run.carried.setdefault(made, one) != one:
            return False
        run.sources[place] = made
        return True

    def _grows(self, run: Run, repetition: int, place: tuple[int, int], before: Operand, now: Operand) -> bool:
        """Whether a list is that of the repetition before and one variable that was made there."""
        self.patience.left -= 1
        first = self.lines[run.start + place[0]].reads[place[1]]
        if isinstance(first, str) or before != now[:-1] or (repetition > 1 and place not in run.growing):
            return False
        if repetition == 1 and any(self._origin(run, name) is not None for name in first):
            return False
        origin = self._origin(run, now[-1])
        if origin is None or origin[0] != repetition - 1:
            return False
        source = origin[1]
        # It is filled as soon as the variable is made, and from one beginning.
        if place[0] > source[0] or any(source == other and first != start for other, start in run.growing.values()):
            return False
        return run.growing.setdefault(place, (source, first)) == (source, first)

    def saved(self, run: Run) -> float | None:
        """How many lines a loop saves, None if it is better left."""
        self.patience.left -= run.stop - run.start
        columns = self.columns(run)
        moving = CELL * run.repetitions * len(set(run.moving.values()))
        lists = len({*run.collected, *(made for made, _ in run.growing.values())})
        if lists > MOST_LISTS or (run.collected and run.repetitions < 3):
            return None
        price = columns.cost() + moving + LIST * lists
        saved = run.period * (run.repetitions - 1) - 1 - price
        # Two lines that only count are a loop; two repetitions with a table have to be long.
        enough = saved >= 0 if not price else saved > 0 if run.repetitions > 2 else saved >= 1
        return saved if enough else None

    def columns(self, run: Run) -> Columns:
        """The counter and the table of a run."""
        found = Columns(self.taken)
        columns = [(column, label) for _, _, column, label in self.terms(run) if len(set(column)) > 1]
        found.count(columns)
        for column, label in columns:
            found.resolve(column, label)
        found.finish(run.repetitions, bool(run.moving))
        return found

    def terms(self, run: Run) -> Iterator[tuple[int, int, Column, str]]:
        """The terms of all repetitions: (line of the period, slot, terms, label)."""
        for place in range(run.period):
            lines = self.lines[run.start + place : run.stop : run.period]
            for slot, label in enumerate(lines[0].pattern.labels):
                yield place, slot, tuple(line.terms[slot] for line in lines), label


def _stretches(symbols: Sequence[int], period: int) -> Iterator[tuple[int, int]]:
    """Where each symbol is the one a period later: stretches of a period at least."""
    start = 0
    for place in range(len(symbols) - period + 1):
        if place == len(symbols) - period or symbols[place] != symbols[place + period]:
            if place - start >= period:
                yield start, place
            start = place + 1
