"""What two stretches of lines have in common: the same patterns, over variables that are connected alike."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from homolog.writing.lines import Line, Operand, variable


@dataclass(frozen=True)
class Block:
    """The form of a stretch of lines.

    Attributes:
        key: equal for stretches that differ in terms and in the names of variables alone.
        inputs: the operands it reads from outside, in order of first reading; equal keys have as many.
    """

    key: Hashable
    inputs: tuple[Operand, ...]


def block(lines: Sequence[Line], lists: bool = False) -> Block:
    """The form of a stretch of lines.

    Args:
        lines: the stretch.
        lists: whether a list of variables from outside counts as one input, however long it is.
    """
    made: dict[str, int] = {}
    inputs: dict[Operand, int] = {}

    def number(operand: Operand) -> Hashable:
        if isinstance(operand, tuple):
            if not lists or any(variable(name) in made for name in operand):
                return tuple(number(name) for name in operand)
        elif operand in made:
            return made[operand]
        # Inputs count down, so that none is taken for a variable of the stretch.
        return inputs.setdefault(operand, -1 - len(inputs))

    key: list[Hashable] = []
    for line in lines:
        key.append((line.pattern, len(line.targets), tuple(number(operand) for operand in line.reads)))
        for target in line.targets:
            made[target] = len(made)
    return Block(tuple(key), tuple(inputs))
