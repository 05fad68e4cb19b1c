"""Statements in the order in which a person would write them: along one branch to its end, then along the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from homolog.writing.parsing import names_read
from homolog.writing.statement import Program, Statement


def ordered(program: Program) -> Program:
    """The program with the statements between two module calls in another order.

    A statement still comes after those it reads.
    """
    known = {*program.inputs, *(target for statement in program.statements for target in statement.targets)}
    found: list[Statement] = []
    for _, stretch in groupby(program.statements, key=lambda statement: statement.calls):
        statements = list(stretch)
        found += [statements[place] for place in _deep([names_read(item, known) for item in statements], statements)]
    return replace(program, statements=tuple(found))


def _deep(reads: Sequence[frozenset[str]], statements: Sequence[Statement]) -> Iterator[int]:
    """The places of the statements, depth first."""
    maker = {target: place for place, item in enumerate(statements) for target in item.targets}
    waiting = [{maker[name] for name in names if name in maker} for names in reads]
    readers: list[list[int]] = [[] for _ in statements]
    for place, makers in enumerate(waiting):
        for other in makers:
            readers[other].append(place)
    ready = [place for place in reversed(range(len(statements))) if not waiting[place]]
    while ready:
        place = ready.pop()
        yield place
        for reader in reversed(readers[place]):
            waiting[reader].discard(place)
            if not waiting[reader]:
                ready.append(reader)
