"""Defaults of parameters: what most calls of a function give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from homolog.writing import terms
from homolog.writing.lines import Function, Line
from homolog.writing.loops import Loop
from homolog.writing.parameters import NAME

FEW = 3
"""With fewer calls, they are easier to read with everything they give."""


def give_defaults(functions: Iterable[Function], bodies: Iterable[Sequence[Line | Loop]]) -> None:
    """Let functions take for granted what most of their calls give, two in three at least.

    Args:
        functions: all of them.
        bodies: the lines and loops of each, and of what calls them.
    """
    calls: dict[int, list[Line]] = {}
    for body in bodies:
        for line in _lines(body):
            if line.pattern.callee is not None:
                calls.setdefault(id(line.pattern.callee), []).append(line)
    for function in functions:
        found = calls.get(id(function), [])
        for place, name in enumerate(function.parameters):
            given = Counter(line.terms[place] for line in found)
            term, number = given.most_common(1)[0] if given else ("", 0)
            named = name != NAME and name not in function.positional
            if named and len(found) >= FEW and 3 * number >= 2 * len(found) and not terms.names(term):
                function.defaults[name] = term


def _lines(items: Sequence[Line | Loop]) -> Iterator[Line]:
    for item in items:
        if isinstance(item, Loop):
            yield from _lines(item.body)
        else:
            yield item
