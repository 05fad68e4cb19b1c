"""Classes that are not worth their own lines: put back where they are called, or written as ``nn.Sequential`` there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from homolog.writing.inlining import CONTAINERS, FRAME, LONG, SHORT, expanded
from homolog.writing.lines import Fresh, Line, Operand
from homolog.writing.modules import Class, Making, Members, chain, over, targets

Measure = Callable[[Class], int]
SEQUENTIAL = "nn.Sequential"


def dissolved(
    classes: Sequence[Class], root: Class, fresh: Fresh, name: Callable[[], str], measure: Measure
) -> list[Class]:
    """The classes that are worth it, the called first; the others are put back where they are called.

    Args:
        classes: the called first.
        root: what calls them.
        fresh: gives new variables.
        name: gives new names for what is made.
        measure: how many lines of source the ``forward`` of a class takes.
    """
    kept: list[Class] = []
    for cls in classes:
        sites = [
            (caller, line) for caller in (*classes, root) for line in caller.leaves() if line.pattern.callee is cls
        ]
        if not sites:
            continue
        if _is_sequential(cls, sites):
            for caller, line in sites:
                _sequence(caller, line, cls, name)
        elif _worth(cls, sites, measure):
            kept.append(cls)
        else:
            for caller, line in sites:
                _dissolve(caller, line, cls, fresh, name)
    return kept


def _is_sequential(cls: Class, sites: Sequence[tuple[Class, Line]]) -> bool:
    """Whether a class is better written as a chain of modules where it is made."""
    if not chain(cls.lines) or cls.outputs != cls.lines[-1].targets or cls.lines[0].reads[1:] != cls.inputs:
        return False
    # Made in one place it needs no name; containers, and what is blocks alone, are worth one if they are long, or made
    # in many places.
    if len(sites) == 1:
        return True
    blocks = all(isinstance(item, Line) and item.pattern.callee is not None for item in cls.making)
    length = len(cls.lines)
    return (blocks or cls.type in CONTAINERS) and len(sites) * length <= len(sites) + length + FRAME


def _worth(cls: Class, sites: Sequence[tuple[Class, Line]], measure: Measure) -> bool:
    length = measure(cls)
    if length == 1:
        return False
    calls = sum(name in line.targets for caller, line in sites for call in caller.lines for name in call.variables())
    if calls > 1:
        return cls.type not in CONTAINERS or calls * length > calls + length + FRAME
    return length > SHORT or length + measure(sites[0][0]) > LONG


def _members(caller: Class, line: Line, cls: Class, name: Callable[[], str]) -> tuple[list[Making], dict[str, Operand]]:
    """What a class makes as what its caller makes in its place, and the names it goes by there."""
    (made,) = line.targets
    given = dict(zip(cls.parameters, line.terms, strict=True))
    mapping: dict[str, Operand] = {old: name() for item in cls.making for old in targets(item)}
    for instance in caller.instances.values():
        inner = cls.instances[instance[made]]
        instance.update((str(new), inner[old]) for old, new in mapping.items() if old in inner)
    return [over(item, mapping, given) for item in cls.making], mapping


def _sequence(caller: Class, line: Line, cls: Class, name: Callable[[], str]) -> None:
    """Make the modules of a chain as one, in place of the line that made them as a class."""
    made, _ = _members(caller, line, cls, name)
    caller.making = replaced(caller.making, line, [Members(line.targets[0], SEQUENTIAL, tuple(made))])


def _dissolve(caller: Class, line: Line, cls: Class, fresh: Fresh, name: Callable[[], str]) -> None:
    """Make and call what a class makes and calls, in place of the class."""
    made, mapping = _members(caller, line, cls, name)
    caller.making = replaced(caller.making, line, made)
    body = [item.renamed(mapping) for item in cls.lines]
    inner = replace_lines(cls, body)
    lines: list[Line] = []
    for call in caller.lines:
        if call.reads[:1] == line.targets:
            lines += expanded(replace(call, terms=line.terms, reads=call.reads[1:]), inner, fresh)
        else:
            lines.append(call)
    caller.lines = lines


def replace_lines(cls: Class, lines: list[Line]) -> Class:
    """The class with another ``forward``."""
    return Class(cls.type, cls.paths, cls.inputs, lines, cls.outputs, cls.parameters, cls.lists)


def replaced(making: Sequence[Making], line: Line, instead: Sequence[Making]) -> list[Making]:
    """What is made, with something else in place of a line, inside members too."""
    found: list[Making] = []
    for item in making:
        if item is line:
            found += instead
        elif isinstance(item, Members):
            found.append(Members(item.target, item.kind, tuple(replaced(item.items, line, instead))))
        else:
            found.append(item)
    return found
