"""The terms of repeated lines → the counter and the table of their loop.

A column is what the repetitions have in one place. Names that differ in a number alone are counted; other names, and
anything else, stand in the table the loop goes through.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from homolog.writing import labels, terms

Column = tuple[str, ...]
COUNTERS = "ijk"
CELL = 0.25
"""Lines that an entry in the table counts for."""
TEXT = 0.75
"""Lines that a name in the table counts for."""
OFFSET = 0.2
"""Lines that ``i + 1`` counts for."""
WIDE = 60
"""Characters of a table that do not fit in the header of a loop."""
FACTOR = 2.0
"""Lines that ``2 * i`` counts for."""


@dataclass
class Columns:
    """What differs from one repetition to the next.

    Attributes:
        taken: names that the loop must not assign.
        counter: the name that counts, its first value and its step; None if nothing is counted.
        table: by name, the term of each repetition.
        awkward: how much harder the table and the names are to read than lines with literals, in lines.
    """

    taken: frozenset[str]
    counter: tuple[str, int, int] | None = None
    table: dict[str, Column] = field(default_factory=dict)
    awkward: float = 0
    _listed: tuple[str, tuple[int, ...]] | None = None
    _known: dict[Column, str] = field(default_factory=dict)

    def count(self, columns: Iterable[tuple[Column, str]]) -> None:
        """Choose the counter: what counts in the smallest steps in any of these columns.

        Where the numbers follow no rule, those of the first column are listed, and others are told from them.
        """
        found = [numbers for column, label in columns for numbers in _numbers(column, label)]
        regular = [(numbers[0], numbers[1] - numbers[0]) for numbers in found if _regular(numbers)]
        name = next((name for name in COUNTERS if name not in self.taken), None)
        name = name or labels.distinct("index", self.taken)
        if regular:
            start, step = min(regular, key=lambda item: (abs(item[1]), item[1] < 0))
            self.counter = (name, start, step)
        elif found:
            self._listed = name, found[0]
            self.table[name] = tuple(map(str, found[0]))

    def resolve(self, column: Column, label: str) -> str:
        """The term over the counter and the table that gives the column; what is missing comes into the table."""
        found = self._found(column, label)
        if found is None:
            found = self._composed(column) or self._new(column, label)
            self._known[column] = found
        return found

    def finish(self, repetitions: int, moving: bool) -> None:
        """Move a counter that does not count one by one into the table, if there is one.

        Args:
            repetitions: how many there are.
            moving: whether the loop goes through a table for other reasons.
        """
        if self.counter is not None and self.counter[2] != 1 and (moving or self.table):
            name, start, step = self.counter
            self.table = {name: tuple(str(start + step * number) for number in range(repetitions)), **self.table}
            self.counter = None

    def _found(self, column: Column, label: str) -> str | None:
        """The term, if the table needs no more for it."""
        if len(set(column)) == 1:
            return column[0]
        return self._known.get(column) or self._counted(column, label)

    def _counted(self, column: Column, label: str) -> str | None:
        numbers = _numbers(column, label)
        if not numbers:
            return None
        found = [self._expression(item) for item in numbers]
        if None in found:
            return None
        if label == "index":
            return found[0]
        expressions = iter(found)
        pieces = []
        for parts in zip(*(terms.tokens(terms.inside(term) or "") for term in column), strict=True):
            pieces.append(parts[0] if len(set(parts)) == 1 else f"{{{next(expressions)}}}")
        return terms.joined("".join(pieces))

    def _expression(self, numbers: Sequence[int]) -> str | None:
        """The numbers over the counter, or over the numbers that are listed."""
        factor = 1
        if self._listed is not None:
            name, listed = self._listed
            offset = numbers[0] - listed[0]
            if any(number - other != offset for number, other in zip(numbers, listed, strict=True)):
                return None
        elif self.counter is not None and _arithmetic(numbers):
            name, start, step = self.counter
            factor, rest = divmod(numbers[1] - numbers[0], step)
            if rest or factor < 1:
                return None
            offset = numbers[0] - factor * start
        else:
            return None
        self.awkward += FACTOR * (factor > 1) + OFFSET * (offset != 0)
        product = name if factor == 1 else f"{factor} * {name}"
        return product if not offset else f"{product} {'+' if offset > 0 else '-'} {abs(offset)}"

    def _composed(self, column: Column) -> str | None:
        """A tuple, or a name with an end of its own, made of what is known or of something simpler."""
        rows = [terms.elements(term) for term in column]
        if None not in rows and len({len(row or ()) for row in rows}) == 1:
            found = [self._found(element, "value") for element in zip(*(row or () for row in rows), strict=True)]
            return terms.tupled(tuple(term or "" for term in found)) if None not in found else None
        texts = [terms.inside(term) or "" for term in column]
        if "" in texts:
            return None
        suffix = _common_end(texts)
        if not suffix:
            return None
        heads = tuple(terms.joined(text.removesuffix(suffix)) for text in texts)
        head = self._found(heads, "name") or self._new(heads, "name")
        self._known[heads] = head
        inner = terms.inside(head)
        return terms.joined(f"{{{head}}}{suffix}" if inner is None else f"{inner}{suffix}")

    def _new(self, column: Column, label: str) -> str:
        taken = self.taken.union(self.table)
        if label == "name":
            name = labels.distinct("layer", taken) if "name" in taken else "name"
        else:
            name = labels.distinct(label, taken)
        self.table[name] = column
        return name

    def cost(self) -> float:
        """How much harder the loop is to read than its lines would be, in lines."""
        cells = [term for column in self.table.values() for term in column]
        wide = sum(len(term) + 2 for term in cells) > WIDE
        # A wide table is broken into a line for each repetition.
        lines = max(map(len, self.table.values()), default=0) if wide else 0
        return self.awkward + lines + sum(TEXT if terms.inside(term) is not None else CELL for term in cells)


def _numbers(column: Column, label: str) -> list[tuple[int, ...]]:
    """The numbers in which names differ, one column for each place; none where they differ in anything else."""
    if label == "index":
        values = [terms.value(term) for term in column]
        numbers = tuple(value for value in values if type(value) is int)
        return [numbers] if len(numbers) == len(column) and len(set(numbers)) > 1 else []
    texts = [terms.inside(term) for term in column]
    if None in texts:
        return []
    rows = [terms.tokens(text or "") for text in texts]
    if len({len(row) for row in rows}) > 1:
        return []
    found = []
    for parts in zip(*rows, strict=True):
        if len(set(parts)) == 1:
            continue
        # A number with zeros in front would lose them.
        if not all(part.isdecimal() and str(int(part)) == part for part in parts):
            return []
        found.append(tuple(map(int, parts)))
    return found


def _arithmetic(numbers: Sequence[int]) -> bool:
    step = numbers[1] - numbers[0]
    return step != 0 and all(b - a == step for a, b in pairwise(numbers))


def _regular(numbers: Sequence[int]) -> bool:
    """Whether the numbers are better counted than listed: any two are an arithmetic sequence."""
    return _arithmetic(numbers) and (len(numbers) > 2 or numbers[1] - numbers[0] == 1)


def _common_end(texts: Sequence[str]) -> str:
    """The end that all names share, from an underscore on, "" if there is none."""
    end = ""
    rows = [text.split("_") for text in texts]
    while all(len(row) > 1 for row in rows) and len({row[-1] for row in rows}) == 1:
        end = f"_{rows[0][-1]}{end}"
        rows = [row[:-1] for row in rows]
    return end
