"""Module calls that are alike → functions, from the innermost outwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from homolog.writing.blocks import block
from homolog.writing.lines import Fresh, Function, Line, Operand, Pattern, Slot, whole
from homolog.writing.parameters import Parameters, parametrised
from homolog.writing.regions import Region

MANY_PARAMETERS = 8
"""With more, a call of the function is no easier to read than its lines."""

Part = TypeVar("Part")


@dataclass(frozen=True)
class Instance:
    """One module call that may become the call of a function.

    Attributes:
        region: the module call.
        lines: its lines.
        inputs: what it reads from outside.
        exported: which of the variables it makes are read outside, in order of making.
    """

    region: Region
    lines: list[Line]
    inputs: tuple[Operand, ...]
    exported: frozenset[int]

    @property
    def made(self) -> list[str]:
        """The variables it makes."""
        return [target for line in self.lines for target in line.targets]


class Reading:
    """Which variables are read behind a place of the program."""

    def __init__(self, lines: Sequence[Line], outputs: Iterable[str]) -> None:
        self._last = {name: place for place, line in enumerate(lines) for name in line.variables()}
        self._last.update((name, len(lines)) for name in outputs)

    def behind(self, name: str, place: int) -> bool:
        """Whether the variable is read at that place or later."""
        return self._last.get(name, -1) >= place


def grouped(root: Region, reading: Reading, fresh: Fresh, taken: frozenset[str]) -> list[Function]:
    """Put calls of functions in place of the module calls that are alike; the functions, the called first."""
    levels: dict[int, list[Region]] = {}
    for region in root.walk():
        levels.setdefault(region.height, []).append(region)
    functions: list[Function] = []
    for _, regions in sorted(levels.items()):
        by_type: dict[str, list[Region]] = {}
        for region in regions:
            if region.call is not None and not region.split:
                by_type.setdefault(region.call.type, []).append(region)
        for candidates in by_type.values():
            for group in _alike(candidates, reading):
                functions += _functions(group, fresh, taken)
    return functions


def _alike(regions: Sequence[Region], reading: Reading) -> list[list[Instance]]:
    """Groups of module calls of one block, of two lines and two calls at least."""
    all_lines = [lines for lines in ((region, region.lines()) for region in regions) if len(lines[1]) > 1]
    found = [_by_block(all_lines, reading, lists) for lists in (False, True)]
    # A list as one input is for calls that read ever longer lists; where lists are alike, their elements read better.
    return max(found, key=lambda groups: (sum(map(len, groups)), -len(groups)))


def _by_block(all_lines: Sequence[tuple[Region, list[Line]]], reading: Reading, lists: bool) -> list[list[Instance]]:
    groups: dict[Hashable, list[Instance]] = {}
    for region, lines in all_lines:
        found = block(lines, lists)
        made = (target for line in lines for target in line.targets)
        exported = frozenset(n for n, target in enumerate(made) if reading.behind(target, region.stop))
        groups.setdefault(found.key, []).append(Instance(region, lines, found.inputs, exported))
    return [group for group in groups.values() if len(group) > 1 and any(item.exported for item in group)]


def _functions(group: Sequence[Instance], fresh: Fresh, taken: frozenset[str]) -> list[Function]:
    """The function of a group, or those of its parts if it would take too many parameters."""
    prefixes = tuple(_prefix(item.region) for item in group)
    lines, parameters = parametrised([item.lines for item in group], prefixes, taken)
    if len(parameters.columns) <= MANY_PARAMETERS:
        return [_function(group, lines, parameters, fresh)]
    found = []
    for part in parts(group, parameters):
        if len(part) > 1 and any(item.exported for item in part):
            found += _functions(part, fresh, taken)
    return found


def parts(group: Sequence[Part], parameters: Parameters) -> list[list[Part]]:
    """The group, cut where the parts agree on as many parameters as can be, into as few parts as can be."""

    def score(cut: tuple[str, ...]) -> tuple[int, int]:
        parts = Counter(cut)
        agreed = 0
        for column in parameters.columns.values():
            agreed += len(set(zip(cut, column, strict=True))) == len(parts)
        return agreed, -len(parts)

    columns = [column for column in parameters.columns.values() if max(Counter(column).values()) > 1]
    if not columns:
        return []
    best = max(columns, key=score)
    found: dict[str, list[Part]] = {}
    for term, item in zip(best, group, strict=True):
        found.setdefault(term, []).append(item)
    return list(found.values())


def _prefix(region: Region) -> str:
    assert region.call is not None
    return region.call.path.replace(".", "_")


def _function(group: Sequence[Instance], lines: list[Line], parameters: Parameters, fresh: Fresh) -> Function:
    """The function of a group; every instance becomes a call of it."""
    first = group[0]
    exported = sorted(frozenset().union(*(item.exported for item in group)))
    lists = {whole(operand): fresh() for operand in first.inputs if isinstance(operand, tuple)}
    inputs = tuple(lists[whole(operand)] if isinstance(operand, tuple) else operand for operand in first.inputs)
    assert first.region.call is not None
    function = Function(
        first.region.call.type,
        list(dict.fromkeys(item.region.call.path for item in group if item.region.call is not None)),
        inputs,
        [line.renamed(lists) for line in lines],
        tuple(first.made[place] for place in exported),
        tuple(parameters.columns),
        frozenset(lists.values()),
    )
    pattern = calling(function)
    for number, item in enumerate(group):
        targets = tuple(item.made[place] for place in exported)
        assert item.region.call is not None
        item.region.instead = Line(targets, pattern, parameters.arguments(number), item.inputs, (item.region.call,))
    return function


def calling(function: Function) -> Pattern:
    """The pattern of a call of a function."""
    inputs = [Slot(True) for _ in function.inputs]
    return Pattern((*inputs, *(Slot(False, name) for name in function.parameters)), frozenset(function.free), function)
