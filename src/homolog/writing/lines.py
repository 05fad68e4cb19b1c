"""A line: the pattern of an expression, the terms and operands that fill it, and the variables it assigns.

Two lines are of one pattern when they differ in literals and variables alone. Whatever is told of a program here,
repetition above all, is told of patterns; source is written only at the very end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count, takewhile

from homolog.writing import terms
from homolog.writing.statement import Call

Operand = str | tuple[str, ...]
"""A variable, an element of a list (``v7[2]``), or several of these: the elements of a list display."""


MADE = "@"
"""What the names of made things begin with: they are variables of a class, not of its ``forward``."""


@dataclass(frozen=True)
class Slot:
    """A place in a pattern that a term or an operand fills.

    Attributes:
        reads: whether an operand fills it; a term otherwise.
        label: for a term, what it is called as a parameter.
        open: whether what fills it needs no brackets, however it is made.
    """

    reads: bool
    label: str = ""
    open: bool = True


POSITIONAL = (
    *("filters", "kernel_size", "units", "shape", "value", "input_dim", "output_dim"),
    *("in_channels", "out_channels", "in_features", "out_features", "num_features", "normalized_shape"),
    *("num_channels", "input_size", "hidden_size", "num_embeddings", "embedding_dim"),
)
"""Parameters that are given without their name where they come first."""


@dataclass(eq=False)
class Function:
    """A function to be written, or the body that calls the others.

    Attributes:
        type: class name of the modules it stands for.
        paths: where these modules are, one for each of their calls.
        inputs: the variables it is given.
        lines: in order of execution; the variables are those of one of the calls.
        outputs: the operands it returns.
        parameters: the names that its terms read.
        lists: which of the inputs are lists.
        name: given last, once all functions are known.
        defaults: of parameters, given last too.
    """

    type: str
    paths: list[str]
    inputs: tuple[str, ...]
    lines: list[Line]
    outputs: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    lists: frozenset[str] = frozenset()
    name: str = ""
    defaults: dict[str, str] = field(default_factory=dict)

    @property
    def free(self) -> tuple[str, ...]:
        """The names it reads that its caller must give it."""
        return tuple(sorted({name for line in self.lines for name in line.pattern.free}))

    @property
    def positional(self) -> tuple[str, ...]:
        """The parameters that are given without their name."""
        return tuple(takewhile(POSITIONAL.__contains__, self.parameters))


@dataclass(frozen=True, eq=False)
class Pattern:
    """An expression without its literals and variables; two of them are the same if they are one object.

    Attributes:
        pieces: source text and slots, in the order they stand in.
        free: names it reads that are not variables and have to be handed down: ``shared``.
        callee: the function it calls; then the pieces are one slot for each of its inputs and parameters.
        late: whether it reads its variables after the line is over (inside a ``lambda``).
    """

    pieces: tuple[str | Slot, ...]
    free: frozenset[str] = frozenset()
    callee: Function | None = None
    late: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each term."""
        return tuple(piece.label for piece in self.pieces if isinstance(piece, Slot) and not piece.reads)


NEW_LIST = Pattern((Slot(True),))
"""Of the line that makes a list, which a loop fills afterwards; its operand is a list display."""
APPEND = Pattern((Slot(True), ".append(", Slot(True), ")"))
"""Of the line that fills it."""


@dataclass(frozen=True)
class Line:
    """One assignment.

    Attributes:
        targets: variables it assigns.
        pattern: of its expression.
        terms: fill the pattern's slots for terms, in order.
        reads: fill its slots for operands, in order.
        scope: the module calls around it inside the function it is in, outermost first.
    """

    targets: tuple[str, ...]
    pattern: Pattern
    terms: tuple[str, ...] = ()
    reads: tuple[Operand, ...] = ()
    scope: tuple[Call, ...] = field(default=(), compare=False)

    @property
    def makes_list(self) -> bool:
        """Whether it makes a list that a loop fills."""
        return self.pattern is NEW_LIST

    def variables(self) -> Iterator[str]:
        """The variables it reads, in order."""
        for operand in self.reads:
            yield from variables(operand)

    def renamed(self, mapping: Mapping[str, Operand]) -> Line:
        """The same line over other variables, read or assigned."""
        targets = tuple(_one(mapping.get(name, name)) for name in self.targets)
        return replace(self, targets=targets, reads=tuple(renamed(operand, mapping) for operand in self.reads))

    def source(self, name: Callable[[str], str]) -> str:
        """Its expression, with the names that the variables go by."""
        if self.pattern.callee is not None:
            return self._call(self.pattern.callee, name)
        filling, operands = iter(self.terms), iter(self.reads)
        found = []
        for piece in self.pattern.pieces:
            if isinstance(piece, str):
                found.append(piece)
            elif piece.reads:
                found.append(written(next(operands), name))
            else:
                term = next(filling)
                found.append(term if piece.open or terms.atomic(term) else f"({term})")
        return "".join(found)

    def _call(self, function: Function, name: Callable[[str], str]) -> str:
        """The source of a call, without what the function takes for granted."""
        arguments = [*(written(operand, name) for operand in self.reads), *function.free]
        for parameter, term in zip(function.parameters, self.terms, strict=True):
            if parameter in function.positional:
                arguments.append(term)
            elif function.defaults.get(parameter) != term:
                arguments.append(f"{parameter}={term}")
        return f"{function.name}({', '.join(arguments)})"


def _one(operand: Operand) -> str:
    assert isinstance(operand, str)
    return operand


def variable(operand: str) -> str:
    """The variable that an operand reads."""
    return operand.partition("[")[0]


def variables(operand: Operand) -> Iterator[str]:
    """The variables that an operand reads."""
    yield from (variable(operand),) if isinstance(operand, str) else map(variable, operand)


def renamed(operand: Operand, mapping: Mapping[str, Operand]) -> Operand:
    """The operand over other variables."""
    if isinstance(operand, tuple):
        return (
            mapping[whole(operand)] if whole(operand) in mapping else tuple(_one(renamed(o, mapping)) for o in operand)
        )
    name, bracket, index = operand.partition("[")
    new = mapping.get(name, name)
    return f"{_one(new)}{bracket}{index}" if bracket else new


def whole(operand: tuple[str, ...]) -> str:
    """The key that a mapping renames a whole list display by."""
    return f"[{', '.join(operand)}]"


def written(operand: Operand, name: Callable[[str], str]) -> str:
    """The source of an operand, with the names that the variables go by."""
    if isinstance(operand, tuple):
        return f"[{', '.join(written(element, name) for element in operand)}]"
    base, bracket, index = operand.partition("[")
    return f"{name(base)}{bracket}{index}"


class Fresh:
    """Gives names of variables that no program has."""

    def __init__(self) -> None:
        self._numbers = count()

    def __call__(self) -> str:
        return f"${next(self._numbers)}"


def inputs_of(lines: Iterable[Line]) -> tuple[str, ...]:
    """The variables that lines read and do not assign, in order of first reading."""
    made: set[str] = set()
    found: dict[str, None] = {}
    for line in lines:
        found.update((name, None) for name in line.variables() if name not in made)
        made.update(line.targets)
    return tuple(found)
