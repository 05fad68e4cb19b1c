"""What a class of modules is: what it makes, and what its ``forward`` does with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from homolog.writing import terms
from homolog.writing.lines import MADE, Function, Line, Operand, Pattern, Slot

LOOSE = ("nn.Parameter(", "Buffer(")
"""What makes tensors, not modules, begins with this."""


@dataclass(frozen=True)
class Members:
    """Modules that are made as one.

    Attributes:
        target: what they are known by as one.
        kind: ``nn.Sequential`` or ``nn.ModuleList``.
        items: what makes each, in order.
    """

    target: str
    kind: str
    items: tuple[Making, ...]


Making = Line | Members
"""What makes one attribute of a module."""


@dataclass(eq=False)
class Class(Function):
    """A class of modules; its lines are those of ``forward``, and what it makes are variables of them.

    Attributes:
        making: what it makes, in order of first use.
        instances: for each of the modules, what they are known by that it made: by the name this class has for it.
        types: of the parameters.
    """

    making: list[Making] = field(default_factory=list)
    instances: dict[str, dict[str, str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    @property
    def free(self) -> tuple[str, ...]:
        """Nothing is handed down: what is read and not made is known in the whole file."""
        return ()

    def leaves(self) -> Iterator[Line]:
        """The lines that make something, those of members too."""
        return leaves(self.making)


def leaves(making: Iterable[Making]) -> Iterator[Line]:
    """The lines of what is made, those of members too."""
    for item in making:
        if isinstance(item, Line):
            yield item
        else:
            yield from leaves(item.items)


def targets(item: Making) -> Iterator[str]:
    """All that one of the making makes: what members are known by as one as well."""
    if isinstance(item, Line):
        yield from item.targets
    else:
        yield item.target
        for member in item.items:
            yield from targets(member)


def target(item: Making) -> str:
    """What the made attribute is known by."""
    return item.targets[0] if isinstance(item, Line) else item.target


def is_made(operand: Operand) -> bool:
    """Whether an operand is made and not computed."""
    return isinstance(operand, str) and operand.startswith(MADE)


def is_loose(line: Line) -> bool:
    """Whether a line makes a tensor, not a module."""
    return any(isinstance(piece, str) and piece.startswith(LOOSE) for piece in line.pattern.pieces[:1])


def over(item: Making, mapping: dict[str, Operand], given: dict[str, str]) -> Making:
    """What is made under other names, with terms in place of parameters."""
    if isinstance(item, Line):
        return replace(item.renamed(mapping), terms=tuple(terms.substituted(term, given) for term in item.terms))
    (name,) = (mapping.get(item.target, item.target),)
    assert isinstance(name, str)
    return Members(name, item.kind, tuple(over(member, mapping, given) for member in item.items))


def constructor(cls: Class) -> Pattern:
    """The pattern of the line that makes a module of a class."""
    return Pattern(tuple(Slot(False, name) for name in cls.parameters), callee=cls)


def calling(inputs: int) -> Pattern:
    """The pattern of the line that calls a module."""
    pieces: list[str | Slot] = [Slot(True), "("]
    for number in range(inputs):
        pieces += [", ", Slot(True)] if number else [Slot(True)]
    return Pattern((*pieces, ")"))


def is_plain_call(line: Line) -> bool:
    """Whether a line is ``x = made(y)``."""
    return (
        len(line.targets) == 1
        and len(line.reads) == 2
        and line.pattern.pieces == (Slot(True), "(", Slot(True), ")")
        and is_made(line.reads[0])
        and isinstance(line.reads[1], str)
        and not is_made(line.reads[1])
    )


def chain(lines: Sequence[Line]) -> bool:
    """Whether each of the lines calls one module, all others, on what the one before gave, which nothing else reads."""
    if not all(is_plain_call(line) for line in lines):
        return False
    made = [line.reads[0] for line in lines]
    linked = all(line.reads[1] == before.targets[0] for before, line in pairwise(lines))
    return linked and len(set(made)) == len(made)
