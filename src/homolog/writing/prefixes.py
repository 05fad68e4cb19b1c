"""Names of layers → the modules they stand in: layers whose names begin alike, up to a number, are one module.

``conv2_block1_1_conv`` and ``conv2_block1_1_bn`` stand in ``conv2_block1``, which stands in ``conv2``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from homolog.writing.attributes import camel
from homolog.writing.parsing import names_read
from homolog.writing.statement import Call, Program, Statement

RANK = re.compile(r"[1-3]d$")
"""The end of ``conv2d``, whose number counts nothing."""
WORD = re.compile(r"[^._]+")
PADDING = "F.pad("
RARE = 1 / 3
"""A statement at the end of fewer modules, of those that are alike up to there, is an exception.

What holds modules ends as all of its kind do.
"""
WORDS = 2
"""How many words of a prefix become the name of a class."""


def prefixed(program: Program) -> Program:
    """The program with the modules that the layers' names tell of, inside those that are known."""
    known = {*program.inputs, *(target for statement in program.statements for target in statement.targets)}
    calls = _Calls()
    found: list[Statement] = []
    for _, stretch in groupby(program.statements, key=lambda statement: statement.calls):
        statements = list(stretch)
        reads = [names_read(item, known) for item in statements]
        told = _told(statements)
        labels = _trimmed(statements, reads, told, _joined(statements, reads, told))
        found += _inside(statements, labels, 0, calls)
    return replace(program, statements=tuple(found))


def prefixes(layer: str, scope: str = "") -> tuple[str, ...]:
    """The beginnings of a layer's path that end in a numbered word, the shortest first.

    Args:
        layer: the path.
        scope: what it begins with that is known as a module already.
    """
    path = layer.replace("/", ".")
    start = len(scope) if scope and path.startswith(f"{scope}.") else 0
    found, before = [], ""
    for word in WORD.finditer(path, start):
        token = word[0]
        if _numbered(token) if not token.isdigit() else before and not re.search(r"\d", RANK.sub("", before)):
            found.append(path[: word.end()])
        before = token
    return tuple(found)


def _numbered(token: str) -> bool:
    return re.search(r"[A-Za-z]", token) is not None and re.search(r"\d", RANK.sub("", token)) is not None


@dataclass
class _Calls:
    """The calls that are made up, each for one stretch of statements.

    Attributes:
        layers: of each module, the layers of its first call.
        counts: how often each is called.
    """

    layers: dict[str, frozenset[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def call(self, prefix: str, layers: frozenset[str]) -> Call | None:
        """The call of a module, None if it is a stretch of another module that has the same name."""
        if self.layers.setdefault(prefix, layers) != layers:
            return None
        count = self.counts.get(prefix, 0)
        self.counts[prefix] = count + 1
        return Call(prefix.replace("/", "."), _type(prefix), count)


def _type(prefix: str) -> str:
    """``conv2_block1`` → ``ConvBlock``."""
    words = (re.sub(r"\d.*", "", token) for token in re.split(r"[._]", prefix))
    return camel("_".join([word for word in words if word][-WORDS:]))


def _told(statements: Sequence[Statement]) -> list[tuple[str, ...] | None]:
    """The prefixes that each statement shares with others, None where nothing is told of a statement.

    A name of its own tells of a layer that it stands in no module, and of anything else nothing.
    """
    scope = statements[0].calls[-1].path if statements[0].calls else ""
    layers = {item.layer: prefixes(item.layer, scope) for item in statements if item.layer}
    counts = Counter(prefix for names in layers.values() for prefix in names)
    found: list[tuple[str, ...] | None] = []
    for item in statements:
        shared = tuple(prefix for prefix in layers.get(item.layer, ()) if counts[prefix] > 1)
        found.append(shared if shared or item.module else None)
    return found


def _joined(
    statements: Sequence[Statement], reads: Sequence[frozenset[str]], told: Sequence[tuple[str, ...] | None]
) -> list[tuple[str, ...]]:
    """The prefixes of each statement; where nothing is told, those of the statements it goes with."""
    found = list(told)
    readers: dict[str, set[int]] = {}
    for place, names in enumerate(reads):
        for name in names:
            readers.setdefault(name, set()).add(place)
    maker = {target: place for place, item in enumerate(statements) for target in item.targets}

    def join(places: Iterable[int], others: Callable[[int], Iterable[int]]) -> None:
        for place in places:
            known = [other for other in others(place) if found[other] is not None]
            if found[place] is None and known:
                found[place] = found[max(known)]

    everything = range(len(statements))
    prepares = {place for place in everything if _prepares(statements[place], reads[place], readers)}
    made_by = [[maker[name] for name in names if name in maker] for names in reads]
    # A statement goes with the last of what it reads, which it joins with the others; what prepares the input of
    # another one goes with that, several in a row too.
    join((place for place in everything if place not in prepares), lambda place: made_by[place])
    read_by = [{place for name in item.targets for place in readers.get(name, ())} for item in statements]
    join((place for place in reversed(everything) if place in prepares), lambda place: read_by[place])
    join(everything, lambda place: made_by[place])
    return [item or () for item in found]


def _prepares(statement: Statement, reads: frozenset[str], readers: Mapping[str, set[int]]) -> bool:
    """Whether all that a statement does is for the one statement that reads it."""
    read_by = {place for target in statement.targets for place in readers.get(target, ())}
    if len(read_by) != 1 or len(reads) != 1:
        return False
    (name,) = reads
    return statement.expression.startswith(PADDING) or len(readers[name]) > 1


def _trimmed(
    statements: Sequence[Statement],
    reads: Sequence[frozenset[str]],
    told: Sequence[tuple[str, ...] | None],
    labels: Sequence[tuple[str, ...]],
) -> list[tuple[str, ...]]:
    """The prefixes, without the statements at the end of a module that other modules of its kind lack.

    These go on with what the module gives and read nothing else.
    """
    found = list(labels)
    for depth in range(max(map(len, labels), default=0)):
        ends: dict[tuple[str, str], list[range]] = {}
        at = 0
        for head, stretch in groupby(list(found), key=lambda label: label[: depth + 1]):
            stop = at + len(list(stretch))
            named = [place for place in range(at, stop) if told[place]]
            if len(head) > depth and named:
                last = statements[named[-1]].layer.removeprefix(head[depth])
                ends.setdefault((_type(head[depth]), re.sub(r"\d+", "#", last)), []).append(range(named[-1] + 1, stop))
            at = stop
        for tails in ends.values():
            inside = any(len(found[place]) > depth + 1 for tail in tails for place in range(tail.start - 1, tail.stop))
            kinds = [tuple(re.sub(r"\d+", "#", statements[place].expression) for place in tail) for tail in tails]
            for tail, kind in zip(tails, kinds, strict=True):
                start = tail.start + _usual(kind, kinds, 1 if inside else RARE)
                while not _goes_on(statements, reads, range(start, tail.stop)):
                    start += 1
                for place in range(start, tail.stop):
                    found[place] = found[place][:depth]
    return found


def _goes_on(statements: Sequence[Statement], reads: Sequence[frozenset[str]], places: range) -> bool:
    """Whether statements read what they make and what the statement before them gives, and nothing else."""
    given = {target for place in range(places.start - 1, places.stop) for target in statements[place].targets}
    return all(reads[place] <= given for place in places)


def _usual(tail: tuple[str, ...], tails: Sequence[tuple[str, ...]], rare: float) -> int:
    """How much of a tail is no exception among those of its kind."""
    if len(tails) == 1:
        return len(tail)
    alike, length = len(tails), 0
    while length < len(tail):
        longer = sum(other[: length + 1] == tail[: length + 1] for other in tails)
        if longer < max(2, alike * rare):
            break
        alike, length = longer, length + 1
    return length


def _inside(
    statements: Sequence[Statement], labels: Sequence[tuple[str, ...]], depth: int, calls: _Calls
) -> Iterator[Statement]:
    """The statements with calls for their prefixes from a depth on."""
    whole = len({label[depth : depth + 1] for label in labels}) == 1
    at = 0
    for head, stretch in groupby(labels, key=lambda label: label[depth : depth + 1]):
        stop = at + len(list(stretch))
        part, inner = statements[at:stop], labels[at:stop]
        at = stop
        if not head:
            yield from part
            continue
        layers = frozenset(item.layer for item in part if item.layer)
        call = calls.call(head[0], layers) if len(layers) > 1 and not whole else None
        if call is not None:
            part = [replace(item, calls=(*item.calls, call)) for item in part]
        yield from _inside(part, inner, depth + 1, calls)
