"""Runs of calls in ``forward`` → ``nn.Sequential``, and loops over ``nn.ModuleList``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from homolog.writing.attributes import NUMBER, numbered, relative
from homolog.writing.dissolving import SEQUENTIAL
from homolog.writing.lines import Line, Pattern
from homolog.writing.loops import Loop
from homolog.writing.modules import Class, Making, Members, is_loose, is_made, is_plain_call, target

MODULE_LIST = "nn.ModuleList"
MOST_LISTS = 2


def chained(cls: Class, paths: dict[str, str], name: Callable[[], str]) -> None:
    """Make the modules as one that are called one behind the other and are of one kind.

    Args:
        cls: the class that calls them.
        paths: of everything that is made, the path of its layer; what is made as one is added.
        name: gives new names for what is made.
    """
    made = {target(item): item for item in cls.making}
    start = 0
    while start < len(cls.lines):
        stop = start + 1
        while stop < len(cls.lines) and _continues(cls, made, start, stop):
            stop += 1
        if stop - start > 1:
            new = name()
            lines = cls.lines[start:stop]
            _together(cls, [str(line.reads[0]) for line in lines], new, SEQUENTIAL, paths)
            cls.lines[start:stop] = [replace(lines[-1], reads=(new, lines[0].reads[1]))]
        start += 1


def _continues(cls: Class, made: dict[str, Making], start: int, stop: int) -> bool:
    """Whether a line calls one more module of the same kind on what the line before gave."""
    line, before, first = cls.lines[stop], cls.lines[stop - 1], cls.lines[start]
    if not is_plain_call(line) or not is_plain_call(before) or line.reads[1] != before.targets[0]:
        return False
    reads = Counter(name for item in cls.lines for name in item.variables())
    if reads[before.targets[0]] > 1 or before.targets[0] in cls.outputs:
        return False
    one, other = made.get(str(first.reads[0])), made.get(str(line.reads[0]))
    if not isinstance(one, Line) or not isinstance(other, Line):
        return False
    if reads[one.targets[0]] > 1 or reads[other.targets[0]] > 1:
        return False
    callee, another = one.pattern.callee, other.pattern.callee
    return (
        callee is not None and another is not None and callee.type == another.type and _numbered_alike(callee, another)
    )


def _numbered_alike(one: object, other: object) -> bool:
    """Whether two classes stand for modules whose names differ in numbers alone."""
    names = [re.split(r"[./]", path)[-1] for cls in (one, other) if isinstance(cls, Class) for path in cls.paths]
    return one is other or len({re.sub(r"\d+", "#", NUMBER.sub("", name)) for name in names}) == 1


def _together(cls: Class, members: Sequence[str], new: str, kind: str, paths: dict[str, str]) -> None:
    """Make some of what a class makes as one, in place of the first of them."""
    for scope, instance in cls.instances.items():
        instance[new] = f"{new}/{scope}"
        path = numbered([relative(paths[instance[member]], paths[scope]) for member in members])
        paths[instance[new]] = f"{paths[scope]}.{path}" if path and paths[scope] else path
    items = {target(item): item for item in cls.making}
    one = Members(new, kind, tuple(items[member] for member in members))
    place = next(n for n, item in enumerate(cls.making) if target(item) in members)
    left = [item for item in cls.making if target(item) not in members]
    cls.making = [*left[:place], one, *left[place:]]


def specialised(cls: Class, paths: dict[str, str], apart: bool = False) -> list[Line]:
    """The lines of ``forward``, each with a pattern that tells what it calls too: only like modules are looped over.

    Args:
        cls: the class.
        paths: of everything that is made, the path of its layer; names that say more than a number are kept.
        apart: whether no modules at all are to be looped over.
    """
    making = {name: line for line in cls.leaves() for name in line.targets}
    instance, made = next(iter(cls.instances.items()))
    patterns: dict[object, Pattern] = {}

    def told(name: str) -> object:
        line = making.get(name)
        if line is None:
            return name
        stem = NUMBER.sub("", relative(paths[made[name]], paths[instance]))
        return name if apart else id(line.pattern), stem, line.terms if line.pattern.callee is None else ()

    lines = []
    for line in cls.lines:
        kinds = tuple(told(name) for name in line.variables() if is_made(name))
        pattern = patterns.setdefault((line.pattern, kinds), replace(line.pattern)) if kinds else line.pattern
        lines.append(replace(line, pattern=pattern))
    return lines


def listed(
    cls: Class, items: Sequence[Line | Loop], paths: dict[str, str], name: Callable[[], str]
) -> dict[tuple[str, ...], str]:
    """Make as lists of modules what loops go through; the names of the lists by what stands in them.

    Args:
        cls: the class.
        items: its ``forward`` with loops.
        paths: of everything that is made, the path of its layer; the lists are added.
        name: gives new names for what is made.
    """
    found: dict[tuple[str, ...], str] = {}
    for operands in _moving(items):
        made = {target(item): item for item in cls.making}
        if operands in found or len(set(operands)) < len(operands):
            continue
        # What is made in one list already stands in no other, and tensors stand in none.
        if all(isinstance(item := made.get(name), Line) and not is_loose(item) for name in operands):
            found[operands] = name()
            _together(cls, operands, found[operands], MODULE_LIST, paths)
    return found


def too_many_lists(items: Sequence[Line | Loop]) -> bool:
    """Whether any loop goes through more lists of modules than are easily read."""
    loops = [item for item in items if isinstance(item, Loop)]
    counts = (sum(all(map(is_made, operands)) for _, operands in loop.moving) for loop in loops)
    return any(count > MOST_LISTS for count in counts) or any(too_many_lists(loop.body) for loop in loops)


def _moving(items: Sequence[Line | Loop]) -> Iterator[tuple[str, ...]]:
    for item in items:
        if isinstance(item, Loop):
            for _, operands in item.moving:
                if all(map(is_made, operands)):
                    yield tuple(map(str, operands))
            yield from _moving(item.body)
