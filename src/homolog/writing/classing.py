"""Module calls that are alike → classes, from the innermost outwards.

The calls of one module are one instance of its class. A module owns a layer if all that reads the layer stands in its
calls; one that reads a layer which it does not own cannot be a class of its own, unless the layer is a mere tensor:
that is handed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from homolog.writing import terms
from homolog.writing.attributes import FORBIDDEN
from homolog.writing.blocks import block
from homolog.writing.grouping import MANY_PARAMETERS, Reading, parts
from homolog.writing.lines import MADE, Fresh, Line, Operand, whole
from homolog.writing.modules import Class, calling, constructor, is_loose
from homolog.writing.parameters import parametrised
from homolog.writing.parsing import Flat
from homolog.writing.regions import Region

NO_NAME = "\0"
"""Prefix of the names of an instance's layers: classes know no names."""


@dataclass(frozen=True)
class Instance:
    """One module that may become an instance of a class.

    Attributes:
        path: where it is.
        calls: the regions of its calls.
        lines: those of the first call.
        owned: the made things that are its own, in order of first use.
        exported: which of the variables that a call makes are read outside, in order of making.
    """

    path: str
    calls: tuple[Region, ...]
    lines: list[Line]
    owned: tuple[str, ...]
    exported: frozenset[int]


class Classing:
    """The making of classes.

    Args:
        read: the program; what its modules become is added to what is made.
        reading: which variables are read behind a place.
        fresh: gives new variables.
    """

    def __init__(self, read: Flat, reading: Reading, fresh: Fresh) -> None:
        self.made = dict(read.made)
        self.paths = dict(read.paths)
        self.outputs = read.outputs
        self.reading = reading
        self.fresh = fresh
        self.taken = read.names | FORBIDDEN
        self._numbers = count(len(read.made))

    def name(self) -> str:
        """A new name for something that is made."""
        return f"{MADE}{next(self._numbers)}"

    def classes(self, root: Region) -> list[Class]:
        """Put calls of modules in place of their regions; the classes, the called first."""
        levels: dict[int, list[Region]] = {}
        calls: dict[str, list[Region]] = {}
        for region in root.walk():
            assert region.call is not None
            levels.setdefault(region.height, []).append(region)
            calls.setdefault(region.call.path, []).append(region)
        found: list[Class] = []
        for _, regions in sorted(levels.items()):
            reads = Counter(name for line in root.lines() for name in line.variables() if name in self.made)
            reads.update(name for name in self.outputs if name in self.made)
            by_type: dict[str, dict[str, None]] = {}
            for region in regions:
                assert region.call is not None
                by_type.setdefault(region.call.type, {})[region.call.path] = None
            for paths in by_type.values():
                instances = [self._instance(path, calls[path], reads) for path in paths]
                groups, lists = self._alike([item for item in instances if item is not None])
                for group in groups:
                    found += self._classes(group, lists)
        return found

    def _instance(self, path: str, calls: Sequence[Region], reads: Counter[str]) -> Instance | None:
        """The module that has these calls, None if it can be no object of its own."""
        if any(region.split or region.instead is not None for region in calls):
            return None
        if len({region.call.type for region in calls if region.call is not None}) > 1:
            return None
        lines = [region.lines() for region in calls]
        if len(lines[0]) < 2:
            return None
        inside = Counter(name for call in lines for line in call for name in line.variables() if name in self.made)
        owned = tuple(name for name, number in inside.items() if number == reads[name])
        if any(name not in owned and not is_loose(self.made[name]) for name in inside):
            return None
        making = [self.made[name] for name in owned]
        keys = {block([*making, *call]).key for call in lines}
        terms = {tuple(line.terms for line in call) for call in lines}
        if len(keys) > 1 or len(terms) > 1:
            return None
        exported = [
            n
            for region, call in zip(calls, lines, strict=True)
            for n, target in enumerate(_targets(call))
            if self.reading.behind(target, region.stop)
        ]
        return Instance(path, tuple(calls), lines[0], owned, frozenset(exported))

    def _alike(self, instances: Sequence[Instance]) -> tuple[list[list[Instance]], bool]:
        """The instances, those of one class together; and whether a list counts as one input, however long it is."""
        found = [(self._by_block(instances, lists), lists) for lists in (False, True)]
        # That is for calls that read ever longer lists; where lists are alike, their elements read better.
        return min(found, key=lambda item: len(item[0]))

    def _by_block(self, instances: Sequence[Instance], lists: bool) -> list[list[Instance]]:
        groups: dict[Hashable, list[Instance]] = {}
        for item in instances:
            found = block([*(self.made[name] for name in item.owned), *item.lines], lists)
            groups.setdefault((found.key, len(item.owned)), []).append(item)
        return [group for group in groups.values() if any(item.exported for item in group)]

    def _classes(self, group: Sequence[Instance], lists: bool) -> list[Class]:
        """The class of a group, or those of its parts if it would take too many parameters."""
        first = group[0]
        stretches = [[*(self.made[name] for name in item.owned), *item.lines] for item in group]
        lines, parameters = parametrised(stretches, (NO_NAME,) * len(group), self.taken)
        if len(parameters.columns) > MANY_PARAMETERS:
            cut = parts(group, parameters) or [[item] for item in group]
            useful = [part for part in cut if any(item.exported for item in part)]
            return [cls for part in useful for cls in self._classes(part, lists)]
        exported = sorted(frozenset().union(*(item.exported for item in group)))
        given = self._inputs(first, first.calls[0], lists)
        renamed = {whole(operand): self.fresh() for operand in given if isinstance(operand, tuple)}
        assert first.calls[0].call is not None
        cls = Class(
            first.calls[0].call.type,
            [item.path for item in group],
            tuple(renamed[whole(operand)] if isinstance(operand, tuple) else operand for operand in given),
            [line.renamed(dict(renamed)) for line in lines[len(first.owned) :]],
            tuple(list(_targets(first.lines))[place] for place in exported),
            tuple(parameters.columns),
            frozenset(renamed.values()),
            making=list(lines[: len(first.owned)]),
            types={name: type_of(column) for name, column in parameters.columns.items()},
        )
        make, call = constructor(cls), calling(len(cls.inputs))
        for number, item in enumerate(group):
            name = self.name()
            self.made[name] = Line((name,), make, parameters.arguments(number))
            self.paths[name] = item.path
            cls.instances[name] = dict(zip(first.owned, item.owned, strict=True))
            for region in item.calls:
                made = list(_targets(region.lines()))
                assert region.call is not None
                targets = tuple(made[place] for place in exported)
                inputs = self._inputs(item, region, lists)
                region.instead = Line(targets, call, (), (name, *inputs), (region.call,))
        return [cls]

    def _inputs(self, item: Instance, region: Region, lists: bool) -> tuple[Operand, ...]:
        return block([*(self.made[name] for name in item.owned), *region.lines()], lists).inputs


def _targets(lines: Iterable[Line]) -> Iterable[str]:
    return (target for line in lines for target in line.targets)


def type_of(column: Sequence[str]) -> str:
    """The annotation for what is given as a parameter."""
    values = [terms.value(term) for term in column]
    found = list(dict.fromkeys(_type(value) for value in values))
    if {"int", "float"} <= set(found):
        found.remove("int")
    if "None" in found:
        found = [*(name for name in found if name != "None"), "None"]
    return " | ".join(found)


def _type(value: object) -> str:
    if value is None:
        return "None"
    if isinstance(value, tuple):
        return f"tuple[{', '.join(map(_type, value)) or '()'}]"
    if isinstance(value, list):
        return f"list[{' | '.join(dict.fromkeys(map(_type, value)))}]"
    return type(value).__name__
