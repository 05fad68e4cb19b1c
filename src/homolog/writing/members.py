"""What a module makes → the lines of its ``__init__``; like members of a list are counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from homolog.writing.attributes import IN_SEQUENTIAL, NUMBER, common, distinct, relative
from homolog.writing.columns import Columns
from homolog.writing.constructors import plain
from homolog.writing.dissolving import SEQUENTIAL
from homolog.writing.lines import Line
from homolog.writing.modules import Class, Making, Members, target

BUFFER = "Buffer("
FEW = 3
"""With fewer members, they are easier to read one by one."""


def assigned(item: Making, attribute: str, names: Mapping[str, str]) -> str:
    """The statement that makes an attribute.

    Args:
        item: what is made.
        attribute: its name.
        names: for the members of what is made as one, their names in it.
    """
    text = made(item, names)
    if text.startswith(BUFFER):
        return f'self.register_buffer("{attribute}", {text.removeprefix(BUFFER)}'
    return f"self.{attribute} = {text}"


def made(item: Making, names: Mapping[str, str]) -> str:
    """The expression that makes one thing."""
    if isinstance(item, Line):
        return plain(item.source(str))
    if any(names[target(member)] != str(place) for place, member in enumerate(item.items)):
        pairs = (f"{names[target(member)]}={made(member, names)}" for member in item.items)
        return f"{item.kind}(OrderedDict({', '.join(pairs)}))"
    parts = list(_parts(item.items, names))
    if item.kind == SEQUENTIAL:
        return f"{item.kind}({', '.join(parts)})"
    if len(parts) == 1 and parts[0].startswith("*("):
        return f"{item.kind}([{parts[0][2:-1]}])"
    return f"{item.kind}([{', '.join(parts)}])"


def member_names(cls: Class, paths: Mapping[str, str]) -> dict[str, str]:
    """The name of each member in what it is made as one with: a number, unless the layers' own names say more."""
    found: dict[str, str] = {}

    def look(item: Making) -> None:
        if not isinstance(item, Members):
            return
        found.update((target(member), str(place)) for place, member in enumerate(item.items))
        words = _words(cls, item, paths)
        if item.kind == SEQUENTIAL and words is not None:
            found.update(zip(map(target, item.items), words, strict=True))
        for member in item.items:
            look(member)

    for item in cls.making:
        look(item)
    return found


def _words(cls: Class, item: Members, paths: Mapping[str, str]) -> list[str] | None:
    """Telling names for the members of a chain, None if numbers do as well."""
    used = set(IN_SEQUENTIAL)
    words = []
    for member in item.items:
        ends = [
            relative(paths.get(made[target(member)], ""), paths.get(made[item.target], "") or paths.get(scope, ""))
            for scope, made in cls.instances.items()
        ]
        word = common(ends)
        if not word or word.startswith("layer_"):
            return None
        words.append(distinct(word, used))
        used.add(words[-1])
    alike = len({NUMBER.sub("", word) for word in words}) == 1
    return None if alike else words


def _parts(items: Sequence[Making], names: Mapping[str, str]) -> Iterator[str]:
    """The members as arguments; many that differ in what can be counted are one."""
    start = 0
    while start < len(items):
        stop, text = start + FEW, ""
        while stop <= len(items):
            counted = _counted(items[start:stop])
            if not counted:
                break
            stop, text = stop + 1, counted
        yield text or made(items[start], names)
        start = stop - 1 if text else start + 1


def _counted(items: Sequence[Making]) -> str:
    """Members as a generator in a star, "" if they differ in more than can be counted."""
    lines = [item for item in items if isinstance(item, Line)]
    first = lines[0] if len(lines) == len(items) else None
    if first is None or any(line.pattern is not first.pattern for line in lines):
        return ""
    labels = first.pattern.labels
    columns = [(column, "index") for column in zip(*(line.terms for line in lines), strict=True)]
    counter = Columns(frozenset())
    counter.count([item for item in columns if len(set(item[0])) > 1])
    terms = tuple(counter.resolve(*item) for item in columns)
    if counter.table or len(terms) != len(labels):
        return ""
    name, start, step = counter.counter or ("_", 0, 1)
    end = start + step * len(lines)
    bounds = (start, end, step) if step != 1 else (start, end) if start else (end,)
    text = plain(Line(first.targets, first.pattern, terms).source(str))
    return f"*({text} for {name} in range({', '.join(map(str, bounds))}))"
