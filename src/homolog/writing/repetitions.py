"""Statements that repeat → modules, where nothing else tells of modules.

Stretches of lines of one form (the same patterns, wired alike) that give one variable become the calls of one kind of
module; then stretches of these, and so on, as long as it makes the source shorter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from homolog.writing.attributes import camel, kind
from homolog.writing.blocks import Block, block
from homolog.writing.inlining import FRAME
from homolog.writing.lines import Line, Operand, Pattern
from homolog.writing.parsing import Flat
from homolog.writing.regions import Region, tree
from homolog.writing.statement import Call

SHORTEST = 3
"""Lines of the shortest module; of modules, two are enough."""
LONGEST = 64
INPUTS = 3
"""A module of more reads like no module."""


@dataclass(frozen=True)
class _Item:
    """A line, or a stretch of lines that is a module already.

    Attributes:
        line: with all that it makes inside told by its pattern.
        start: the place of its first line in the program.
        stop: the place after its last line.
        word: what it is called as a module; "" if it is none.
        word_inside: what a module is called that begins with it.
    """

    line: Line
    start: int
    stop: int
    inside: tuple[_Item, ...] = ()
    word: str = ""
    word_inside: str = ""


@dataclass
class _Found:
    """A form of stretches, and where they begin."""

    length: int
    inputs: int
    starts: list[int] = field(default_factory=list)
    stop: int = -1

    @property
    def saved(self) -> int:
        """Lines that its module saves."""
        calls = len(self.starts)
        return (calls - 1) * self.length - FRAME - self.length // 3 - calls * (self.inputs - 1)


def repeated(read: Flat) -> list[Line]:
    """The lines of a program, inside modules wherever they repeat."""
    return _Repetitions(read).lines()


class _Repetitions:
    """The finding of the modules of one program.

    Args:
        read: the program.
    """

    def __init__(self, read: Flat) -> None:
        self.read = read
        self.reads = Counter(name for line in read.lines for name in line.variables())
        self.reads.update(read.outputs)
        self.patterns: dict[Hashable, Pattern] = {}
        self.calls: Counter[str] = Counter()
        self.used = {call.path for line in read.lines for call in line.scope}

    def lines(self) -> list[Line]:
        """The lines with their new scopes."""
        root = tree(self.read.lines)
        found = list(self.read.lines)
        for region, depth in _regions(root, 0):
            path = "" if region.call is None else f"{region.call.path}."
            for place, calls in self._within(region, path):
                scope = found[place].scope
                found[place] = replace(found[place], scope=(*scope[:depth], *calls, *scope[depth:]))
        return found

    def _within(self, region: Region, path: str) -> Iterator[tuple[int, list[Call]]]:
        """The new calls for lines of a region, by the lines' places."""
        items = list(self._items(region))
        while True:
            best = self._best(items)
            if best is None:
                break
            items = self._folded(items, best)
        numbers: Counter[str] = Counter()
        for item in items:
            yield from self._calls(item, path, numbers, [])

    def _calls(
        self, item: _Item, path: str, numbers: Counter[str], around: list[Call]
    ) -> Iterator[tuple[int, list[Call]]]:
        if not item.inside:
            for place in range(item.start, item.stop):
                if around:
                    yield place, around
            return
        name = path
        while name in self.used or name == path:
            numbers[item.word] += 1
            name = f"{path}{item.word}_{numbers[item.word]}"
        call = Call(name, camel(item.word), self.calls[name])
        self.calls[name] += 1
        inner: Counter[str] = Counter()
        for part in item.inside:
            yield from self._calls(part, f"{name}.", inner, [*around, call])

    def _items(self, region: Region) -> Iterator[_Item]:
        """The lines and modules of a region."""
        place = region.start
        inside = Counter(name for line in region.lines() for name in line.variables())
        for item in region.items:
            if isinstance(item, Line):
                yield _Item(self._told(item, inside), place, place + 1, word_inside=self._word(item))
                place += 1
            else:
                yield _Item(self._as_line(item, inside), item.start, item.stop, word_inside="")
                place = item.stop

    def _told(self, line: Line, inside: Counter[str]) -> Line:
        """The line without what it makes, which its pattern tells, if it is all that calls it in its module."""
        made = [name for name in line.variables() if name in self.read.made]
        if not made:
            return line
        own = all(inside[name] == made.count(name) for name in made)
        key: Hashable = (line.pattern, *(self.read.made[name].pattern for name in made)) if own else object()
        reads = tuple(operand for operand in line.reads if operand not in self.read.made)
        return replace(line, pattern=self.patterns.setdefault(key, Pattern(())), reads=reads, terms=())

    def _as_line(self, region: Region, inside: Counter[str]) -> Line:
        """A module as one line."""
        lines = [self._told(line, inside) for line in region.lines()]
        form = block(lines)
        made = Counter(name for line in lines for name in line.variables())
        targets = tuple(name for line in lines for name in line.targets if self.reads[name] > made[name])
        assert region.call is not None
        key: Hashable = (region.call.type, form.key) if not region.split else object()
        return Line(targets, self.patterns.setdefault(key, Pattern(())), (), form.inputs)

    def _word(self, line: Line) -> str:
        made = [name for name in line.variables() if name in self.read.made]
        return f"{kind(self.read.made[made[0]])}_block" if made else ""

    def _best(self, items: Sequence[_Item]) -> _Found | None:
        """The form of stretches that saves most."""
        best: _Found | None = None
        ids: dict[Hashable, int] = {}
        symbols = [ids.setdefault((item.line.pattern, len(item.line.targets)), len(ids)) for item in items]
        windows, held = symbols, self._held(items)
        for length in range(2, min(LONGEST, len(items) // 2) + 1):
            # A stretch is known by that which is one shorter, and its last symbol.
            ids = {}
            pairs = zip(windows, symbols[length - 1 :], strict=False)
            windows = [ids.setdefault(pair, len(ids)) for pair in pairs]
            counts = Counter(windows)
            if max(counts.values()) < 2:
                break
            found: dict[Hashable, _Found] = {}
            for at, window in enumerate(windows):
                saved = _Found(length, 1, [0] * counts[window]).saved
                if counts[window] < 2 or saved <= (best.saved if best is not None else 0):
                    continue
                if max(held[at : at + length - 1]) >= at + length:
                    continue
                form = self._form(items[at : at + length])
                if form is not None:
                    one = found.setdefault(form.key, _Found(length, len(form.inputs)))
                    if at >= one.stop:
                        one.starts.append(at)
                        one.stop = at + length
            for one in found.values():
                if one.saved > (best.saved if best is not None else 0):
                    best = one
        return best

    def _form(self, items: Sequence[_Item]) -> Block | None:
        """The form of a stretch, None if it is like no module.

        It is not if it gives several variables or reads many, nor if it is one thing several times, which is a chain.
        """
        lines = [item.line for item in items]
        if len({line.pattern for line in lines}) == 1 or len(lines[-1].targets) != 1:
            return None
        if len(items) < SHORTEST and any(item.stop - item.start < 2 for item in items):
            return None
        form = block(lines)
        return form if len(form.inputs) <= INPUTS else None

    def _held(self, items: Sequence[_Item]) -> list[int]:
        """For each item the place of the last that reads what it makes; far behind, if others read it or none."""
        counts = Counter(name for item in items for name in item.line.variables())
        last = {name: place for place, item in enumerate(items) for name in item.line.variables()}
        return [
            max(
                (last[name] if self.reads[name] == counts[name] > 0 else len(items) for name in item.line.targets),
                default=0,
            )
            for item in items
        ]

    def _folded(self, items: Sequence[_Item], form: _Found) -> list[_Item]:
        """The items with those of a form as one."""
        found: list[_Item] = []
        at = 0
        pattern = Pattern(())
        for start in form.starts:
            stop = start + form.length
            inside = tuple(items[start:stop])
            inputs: tuple[Operand, ...] = block([item.line for item in inside]).inputs
            word = next((item.word_inside for item in inside if not item.inside and item.word_inside), "")
            if any(item.inside for item in inside):
                word = ""
            line = Line(inside[-1].line.targets, pattern, (), inputs)
            found += items[at:start]
            found.append(_Item(line, inside[0].start, inside[-1].stop, inside, word or "block"))
            for item in inside:
                self.reads.subtract(item.line.variables())
            self.reads.update(line.variables())
            at = stop
        return [*found, *items[at:]]


def _regions(region: Region, depth: int) -> Iterator[tuple[Region, int]]:
    """The regions, the innermost first, each with how many calls there are around its lines."""
    for item in region.items:
        if isinstance(item, Region):
            yield from _regions(item, depth + 1)
    yield region, depth
