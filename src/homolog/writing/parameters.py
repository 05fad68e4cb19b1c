"""The terms of one stretch of lines in all its instances → parameters.

A column is what the instances have in one place. A column of one value is written as it is; the others become
parameters, and equal columns one parameter. Names that follow the path of the instance's module are made of its
``name``; widths that are a multiple of another parameter are written as such; a tuple is made of parameters where its
elements are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from homolog.writing import labels, terms
from homolog.writing.lines import Line

Column = tuple[str, ...]
LARGEST_FACTOR = 8
NAME = "name"


@dataclass
class Parameters:
    """The parameters of a function.

    Attributes:
        prefixes: of each instance, what the names of its layers begin with.
        taken: names that no parameter may have.
        columns: by parameter, the term that each instance gives, in the order the parameters stand in.
    """

    prefixes: Column
    taken: frozenset[str]
    columns: dict[str, Column] = field(default_factory=dict)
    _known: dict[Column, str] = field(default_factory=dict)
    _named: bool = False

    def resolve(self, column: Column, label: str) -> str:
        """The term over the parameters that gives the column; what is missing becomes a parameter."""
        found = self._found(column, label)
        if found is None:
            found = self._composed(column) or self._new(column, label)
            self._known[column] = found
        return found

    def arguments(self, instance: int) -> tuple[str, ...]:
        """What one instance gives, in the order of the columns."""
        return tuple(column[instance] for column in self.columns.values())

    def finish(self) -> None:
        """Let ``name`` be the last parameter if it is read at all."""
        if self._named:
            self.columns[NAME] = tuple(map(terms.quoted, self.prefixes))

    def _found(self, column: Column, label: str) -> str | None:
        """The term, if no new parameter is needed for it."""
        if len(set(column)) == 1:
            return column[0]
        if column in self._known:
            return self._known[column]
        return self._suffixed(column) or self._scaled(column, label)

    def _suffixed(self, column: Column) -> str | None:
        """``f"{name}_conv1"`` for a column of names that begin with the prefixes and end alike."""
        texts = [terms.inside(term) for term in column]
        suffixes = {
            text.removeprefix(prefix) if text is not None and _begins(text, prefix) else None
            for text, prefix in zip(texts, self.prefixes, strict=True)
        }
        (suffix, *others) = suffixes
        if suffix is None or others:
            return None
        self._named = True
        return terms.joined(f"{{{NAME}}}{suffix}") if suffix else NAME

    def _scaled(self, column: Column, label: str) -> str | None:
        """``filters * 4`` for a column that is a multiple or a part of a parameter's."""
        numbers = _integers(column)
        if numbers is None or labels.base(label) not in labels.WIDTHS:
            return None
        for name, known in self.columns.items():
            others = _integers(known) if labels.base(name) in labels.WIDTHS else None
            if others is None:
                continue
            pairs = list(zip(numbers, others, strict=True))
            for factor in range(2, LARGEST_FACTOR + 1):
                if all(number == other * factor for number, other in pairs):
                    return f"{name} * {factor}"
                if all(number * factor == other for number, other in pairs):
                    return f"{name} // {factor}"
        return None

    def _composed(self, column: Column) -> str | None:
        """A tuple of parameters that are known for other reasons."""
        rows = [terms.elements(term) for term in column]
        if None in rows or len({len(row or ()) for row in rows}) > 1:
            return None
        found = [self._found(element, "shape") for element in zip(*(row or () for row in rows), strict=True)]
        return terms.tupled(tuple(term or "" for term in found)) if None not in found else None

    def _new(self, column: Column, label: str) -> str:
        name = labels.distinct(label, self.taken.union(self.columns))
        self.columns[name] = column
        return name


def _begins(text: str, prefix: str) -> bool:
    return text == prefix or text.startswith(f"{prefix}_")


def _integers(column: Column) -> list[int] | None:
    """The positive integers of a column, None if it holds anything else."""
    values = [terms.value(term) for term in column]
    found = [value for value in values if type(value) is int and value > 0]
    return found if len(found) == len(values) else None


def parametrised(
    instances: Sequence[Sequence[Line]], prefixes: Column, taken: frozenset[str] = frozenset()
) -> tuple[list[Line], Parameters]:
    """One stretch of lines for all instances, which are of one block, and its parameters.

    Args:
        instances: the lines of each.
        prefixes: of each, what the names of its layers begin with.
        taken: names that no parameter may have.
    """
    parameters = Parameters(prefixes, taken)
    # Tuples wait until it is known what they could be made of.
    for tuples in (False, True):
        for place, line in enumerate(instances[0]):
            for slot, label in enumerate(line.pattern.labels):
                column = tuple(instance[place].terms[slot] for instance in instances)
                if tuples == column[0].startswith("("):
                    parameters.resolve(column, label)
    lines = []
    for place, line in enumerate(instances[0]):
        found = tuple(
            parameters.resolve(tuple(instance[place].terms[slot] for instance in instances), label)
            for slot, label in enumerate(line.pattern.labels)
        )
        lines.append(replace(line, terms=found))
    parameters.finish()
    return lines, parameters
