"""Long bodies, cut at the modules they stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from homolog.writing import terms
from homolog.writing.grouping import calling
from homolog.writing.inlining import LONG
from homolog.writing.lines import Function, Line, inputs_of
from homolog.writing.statement import Call

WORTH = 6
"""Lines that a function of a single call has at least."""
MOST = 0.8
"""The part of a body that a module may be before its own modules are looked at instead."""

Measure = Callable[[Function], int]


def outlined(functions: Sequence[Function], root: Function, measure: Measure) -> list[Function]:
    """The functions, with those that keep the others and the root short, the called first.

    Args:
        functions: the called first.
        root: the body that calls them.
        measure: how many lines of source the body of a function takes.
    """
    found = []
    for function in functions:
        found += [*_cut(function, measure), function]
    return [*found, *_cut(root, measure)]


def _cut(function: Function, measure: Measure) -> list[Function]:
    """Take the longest modules out of a body until it is short; the functions they become."""
    length = measure(function)
    if length <= LONG:
        return []
    parts = [(start, _part(function, start, stop, depth)) for start, stop, depth in _modules(function.lines)]
    measured = [(measure(part), start, part) for start, part in parts if part.outputs]
    chosen = []
    for size, start, part in sorted(measured, key=lambda item: -item[0]):
        if length > LONG and size >= WORTH:
            chosen.append((start, part))
            length -= size - 1
    found = []
    # From the end, so that the places of the others stay.
    for start, part in sorted(chosen, key=lambda item: -item[0]):
        call = Line(part.outputs, calling(part), part.parameters, part.inputs)
        function.lines[start : start + len(part.lines)] = [call]
        found.append([*_cut(part, measure), part])
    return [part for parts in reversed(found) for part in parts]


def _modules(lines: Sequence[Line]) -> list[tuple[int, int, int]]:
    """The modules among the lines that could become functions: (first line, after the last, depth of the scope)."""
    found = []
    for stretch in _stretches(lines, 0, len(lines), 0):
        parts = [stretch]
        while len(parts) == 1 and parts[0][1] - parts[0][0] > MOST * len(lines):
            parts = list(_stretches(lines, *parts[0]))
        found += parts
    whole = Counter(_key(lines[start], depth) for start, _, depth in found)
    return [item for item in found if whole[_key(lines[item[0]], item[2])] == 1]


def _key(line: Line, depth: int) -> tuple[Call, ...]:
    return line.scope[:depth]


def _stretches(lines: Sequence[Line], start: int, stop: int, depth: int) -> Iterator[tuple[int, int, int]]:
    """Stretches of lines whose scopes agree on one call more."""
    for key, places in groupby(range(start, stop), key=lambda at: _key(lines[at], depth + 1)):
        inside = list(places)
        if len(key) > depth:
            yield inside[0], inside[-1] + 1, depth + 1


def _part(function: Function, start: int, stop: int, depth: int) -> Function:
    """The function that a stretch of another's lines becomes."""
    lines = function.lines[start:stop]
    around = [*function.lines[:start], *function.lines[stop:]]
    read = {name for line in around for name in line.variables()} | set(function.outputs)
    names = {name for line in lines for term in line.terms for name in terms.names(term)}
    inputs = inputs_of(lines)
    call = lines[0].scope[depth - 1]
    inside = call.path.removeprefix(function.paths[0]) if function.paths else call.path
    scoped = [Line(line.targets, line.pattern, line.terms, line.reads, line.scope[depth:]) for line in lines]
    return Function(
        call.type,
        [path + inside for path in function.paths] or [call.path],
        inputs,
        scoped,
        tuple(target for line in lines for target in line.targets if target in read),
        tuple(name for name in function.parameters if name in names),
        function.lists.intersection(inputs),
    )
