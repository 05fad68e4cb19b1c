"""Short names for variables, used again as soon as what they held is read for the last time.

Every variable is given the stretches of the function during which it is needed. Two variables may share a name if their
stretches do not meet. What a loop carries from one repetition to the next shares the name of what it begins with and of
what it becomes where it can; where it cannot, the function gets lines that copy one into the other.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from homolog.writing.lines import Line, Operand, Slot, variable, variables
from homolog.writing.loops import Loop

POOL = "xyzabcdefghmnpqrstuvw"
LISTS = ("features", "values", "results", "items")
ALWAYS = 1 << 60
Span = tuple[int, int]


@dataclass
class _Web:
    """Variables that share a name.

    Attributes:
        spans: the stretches they are needed in, sorted, none of which meets another.
        hints: variables of which they would best take the name.
        equal: whether the first name of the pool among the hints is as good as the name of the first hint: after
            ``x + y`` it is, after ``f(y, x)`` it is not.
        fixed: the name they have to have.
        preferred: the name that suits them best.
        list: whether they are lists.
    """

    spans: list[Span] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    equal: bool = False
    fixed: str | None = None
    preferred: str | None = None
    list: bool = False

    def meets(self, spans: Sequence[Span]) -> bool:
        return any(a <= d and c <= b for a, b in self.spans for c, d in spans)


@dataclass
class _Definition:
    at: int
    around: tuple[int, ...]
    hints: list[str]
    equal: bool


class Variables:
    """The names of a function's variables.

    Args:
        inputs: the variables it is given.
        items: its lines and loops.
        outputs: what it returns.
        taken: names it must not use.
        fixed: names of inputs that are given, and kept to the end.
        lists: variables that are lists.
        preferred: names that suit variables best.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        items: Sequence[Line | Loop],
        outputs: Sequence[str],
        taken: Collection[str],
        fixed: Sequence[str] = (),
        lists: Collection[str] = (),
        preferred: Mapping[str, str] | None = None,
    ) -> None:
        self._at = 0
        self._defined: dict[str, list[_Definition]] = {}
        self._read: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        self._ends: dict[int, int] = {}
        self._pinned: set[str] = set()
        self._loops: list[Loop] = []
        for name in inputs:
            self._define(name, -1, ())
        self._items(items, ())
        self._at += 2
        for operand in outputs:
            self._reads(operand, self._at, ())
        if fixed:
            self._pinned.update(inputs)
        webs = {
            name: _Web(self._spans(name), preferred=(preferred or {}).get(name), list=name in lists)
            for name in self._defined
        }
        for name, web in webs.items():
            web.hints, web.equal = self._defined[name][0].hints, self._defined[name][0].equal
        for name, given in zip(inputs, fixed, strict=False):
            webs[name].fixed = given
        self._coalesce(webs)
        self._names = _coloured(webs, {*taken, *fixed}, self._read)

    def __getitem__(self, name: str) -> str:
        return self._names[name]

    def whole(self, operands: Sequence[Operand]) -> str | None:
        """The name of a list that holds these operands and no others, None if there is none."""
        return None

    def _coalesce(self, webs: dict[str, _Web]) -> None:
        for loop in self._loops:
            for carried in loop.carried:
                _, held = self._spans(carried.name)
                # While it is held for the next repetition, what is carried and what it was copied from are the same.
                kept = carried.next in self._defined and any(a <= held[0] <= b for a, b in self._spans(carried.next))
                self._join(webs, carried.name, carried.next, held if kept else None)
                self._join(webs, carried.name, carried.first)

    def _join(self, webs: dict[str, _Web], name: str, other: str, without: Span | None = None) -> None:
        """Let two variables share a name if they are never needed at once, one stretch of the first left out."""
        one, two = webs[name], webs.get(other)
        if two is None or one is two or one.fixed or two.fixed or one.list != two.list:
            return
        if two.meets([span for span in one.spans if span != without]):
            return
        earlier, later = sorted((one, two), key=lambda web: min(web.spans))
        earlier.spans = _merged([*earlier.spans, *later.spans])
        earlier.hints += later.hints
        webs.update((member, earlier) for member, web in list(webs.items()) if web is later)

    def _define(
        self, name: str, at: int, around: tuple[int, ...], hints: Sequence[str] = (), equal: bool = False
    ) -> None:
        self._defined.setdefault(name, []).append(_Definition(at, around, list(hints), equal))

    def _reads(self, operand: str, at: int, around: tuple[int, ...]) -> None:
        self._read.setdefault(variable(operand), []).append((at, around))

    def _items(self, items: Sequence[Line | Loop], around: tuple[int, ...]) -> None:
        for item in items:
            if isinstance(item, Loop):
                self._loop(item, around)
                continue
            self._at += 2
            hints = [name for operand in item.reads for name in variables(operand)]
            for name in hints:
                self._reads(name, self._at, around)
            if item.pattern.late:
                self._pinned.update(hints)
            equal = item.pattern.callee is None and (
                isinstance(item.pattern.pieces[0], Slot) or any(isinstance(read, tuple) for read in item.reads)
            )
            for target in item.targets:
                self._define(target, self._at + 1, around, hints, equal)

    def _loop(self, loop: Loop, around: tuple[int, ...]) -> None:
        """Copies into what is carried, the header, the body, copies for the next repetition."""
        self._loops.append(loop)
        number = len(self._loops)
        inner = (*around, number)
        self._at += 2
        for carried in loop.carried:
            self._reads(carried.first, self._at, around)
            self._define(carried.name, self._at + 1, inner)
        self._at += 2
        for name, operands in loop.moving:
            for operand in operands:
                for read in variables(operand):
                    self._reads(read, self._at, around)
            self._define(name, self._at + 1, inner)
        self._items(loop.body, inner)
        self._at += 2
        for carried in loop.carried:
            self._reads(carried.next, self._at, inner)
            self._define(carried.name, self._at + 1, inner)
        self._at += 2
        self._ends[number] = self._at

    def _spans(self, name: str) -> list[Span]:
        if name in self._pinned:
            return [(self._defined[name][0].at, ALWAYS)]
        reads = [(self._needed(at, around, self._defined[name][0].around)) for at, around in self._read.get(name, ())]
        found = []
        definitions = [definition.at for definition in self._defined[name]]
        for number, at in enumerate(definitions):
            until = definitions[number + 1] if number + 1 < len(definitions) else ALWAYS
            found.append((at, max((read for read in reads if at < read < until), default=at)))
        # What is carried into the next repetition is held to the end of the loop.
        if len(found) == 2:
            found[1] = (found[1][0], max(found[1][1], self._ends[self._defined[name][1].around[-1]]))
        return found

    def _needed(self, at: int, around: tuple[int, ...], defined: tuple[int, ...]) -> int:
        """The place until which a variable is held that is read at a place: a loop reads again in every repetition."""
        depth = 0
        while depth < min(len(around), len(defined)) and around[depth] == defined[depth]:
            depth += 1
        return self._ends[around[depth]] if depth < len(around) else at


def _coloured(webs: dict[str, _Web], taken: Collection[str], read: Collection[str]) -> dict[str, str]:
    """A name for each variable; those that are never read are ``_``."""
    used: dict[str, list[Span]] = {}
    names: dict[int, str] = {}
    needed = {id(webs[name]) for name in read if name in webs}
    for web in sorted({id(web): web for web in webs.values()}.values(), key=lambda web: min(web.spans)[0]):
        if id(web) not in needed and web.fixed is None and min(web.spans)[0] >= 0:
            names[id(web)] = "_"
            continue
        operands = (webs[hint] for hint in web.hints if hint in webs and webs[hint].preferred is None)
        hints = [names[id(operand)] for operand in operands if id(operand) in names and operand.list == web.list]
        if web.equal:
            hints.sort(key=lambda name: (len(name), POOL.find(name)))
        first = (web.preferred,) if web.preferred else ()
        candidates = (web.fixed,) if web.fixed else chain(first, hints, _pool(LISTS if web.list else POOL))
        for name in candidates:
            allowed = name == web.fixed or name not in taken
            if allowed and not any(_hits(used.get(name, []), span) for span in web.spans):
                names[id(web)] = name
                break
        for span in web.spans:
            insort(used.setdefault(names[id(web)], []), span)
    return {name: names[id(web)] for name, web in webs.items()}


def _merged(spans: Sequence[Span]) -> list[Span]:
    """The same stretches, none of which meets another."""
    found: list[Span] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def _pool(names: Sequence[str]) -> Iterator[str]:
    yield from names
    for number in count(2):
        yield from (f"{name}{number}" for name in names)


def _hits(spans: list[Span], span: Span) -> bool:
    """Whether a stretch meets one of several, which are sorted and do not meet one another."""
    place = bisect_left(spans, span)
    return (place > 0 and spans[place - 1][1] >= span[0]) or (place < len(spans) and spans[place][0] <= span[1])
