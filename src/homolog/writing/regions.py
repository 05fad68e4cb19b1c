"""Lines → the tree of module calls they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from homolog.writing.lines import Line
from homolog.writing.statement import Call


@dataclass(eq=False)
class Region:
    """The lines of one module call, or of one stretch of it where lines of another stand in between.

    Attributes:
        call: the module call, None for the root.
        items: its lines and the regions inside it, in order.
        start: place of its first line in the program.
        stop: place after its last line.
        split: whether it is only a part of the call.
        instead: the line that calls a function in place of its lines, None where they stand as they are.
    """

    call: Call | None
    items: list[Line | Region] = field(default_factory=list)
    start: int = 0
    stop: int = 0
    split: bool = False
    instead: Line | None = None

    @property
    def height(self) -> int:
        """How many regions there are inside one another, itself left out."""
        return max((1 + item.height for item in self.items if isinstance(item, Region)), default=0)

    def lines(self) -> list[Line]:
        """Its lines, with those of the regions inside it; scopes are told from here."""
        found: list[Line] = []
        for item in self.items:
            if isinstance(item, Line):
                found.append(replace(item, scope=()))
            elif item.instead is not None:
                found.append(item.instead)
            else:
                assert item.call is not None
                found += [replace(line, scope=(item.call, *line.scope)) for line in item.lines()]
        return found

    def walk(self) -> Iterator[Region]:
        """The regions inside it, innermost first."""
        for item in self.items:
            if isinstance(item, Region):
                yield from item.walk()
                yield item


def tree(lines: Sequence[Line]) -> Region:
    """The root of the tree of module calls."""
    root = Region(None, stop=len(lines))
    open_regions = [root]
    seen: dict[tuple[Call, ...], Region] = {}
    for place, line in enumerate(lines):
        depth = 0
        while depth < min(len(line.scope), len(open_regions) - 1) and open_regions[depth + 1].call == line.scope[depth]:
            depth += 1
        del open_regions[depth + 1 :]
        for call in line.scope[depth:]:
            region = Region(call, start=place)
            path = line.scope[: len(open_regions)]
            if path in seen:
                seen[path].split = region.split = True
            seen[path] = region
            open_regions[-1].items.append(region)
            open_regions.append(region)
        open_regions[-1].items.append(line)
        for region in open_regions:
            region.stop = place + 1
    return root
