"""Functions that are not worth their own lines, put back where they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from homolog.writing import terms
from homolog.writing.lines import Fresh, Function, Line, Operand

CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}
FRAME = 4
"""Lines of a function that are not its body's: what a person reads to save others."""
SHORT = 6
LONG = 40


def inlined(functions: Sequence[Function], root: Function, fresh: Fresh) -> list[Function]:
    """The functions that are worth it, the called first; the others are put back in line."""
    kept: list[Function] = []
    for function in functions:
        sites = [caller for caller in (*functions, root) for line in caller.lines if line.pattern.callee is function]
        if _worth(function, sites):
            kept.append(function)
            continue
        for caller in dict.fromkeys(sites):
            caller.lines = [
                found
                for line in caller.lines
                for found in (expanded(line, function, fresh) if line.pattern.callee is function else [line])
            ]
    return kept


def _worth(function: Function, sites: Sequence[Function]) -> bool:
    length, calls = len(function.lines), len(sites)
    if length == 1:
        return False
    if function.type in CONTAINERS:
        return calls * length > calls + length + FRAME and (calls > 1 or length > LONG)
    if calls > 1:
        return True
    return length > SHORT or length + len(sites[0].lines) > LONG


def expanded(call: Line, function: Function, fresh: Fresh) -> list[Line]:
    """The lines of a function in place of a call of it."""
    given = dict(zip(function.parameters, call.terms, strict=True))
    mapping: dict[str, Operand] = dict(zip(function.inputs, call.reads, strict=True))
    for line in function.lines:
        mapping.update((target, fresh()) for target in line.targets)
    mapping.update(zip(function.outputs, call.targets, strict=True))
    return [
        replace(
            line.renamed(mapping),
            terms=tuple(terms.substituted(term, given) for term in line.terms),
            scope=(*call.scope, *line.scope),
        )
        for line in function.lines
    ]
