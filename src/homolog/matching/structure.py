"""Which layer is whose, from how they are connected.

Every layer that holds weights gets a colour: its kind and the shapes of its weights, then all that lies before it and
behind it. Colours that occur once on either side match. Where several layers share a colour, the first of each side
in topological order are paired, and the colours are refined again with that known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from homolog.graph import Graph, Node, Value

Colours = dict[str, int]


@dataclass(frozen=True)
class Skeleton:
    """A graph with nothing left but the layers that hold weights.

    Attributes:
        order: their names, in topological order.
        local: what a layer is by itself: kind and weight shapes.
        before: the nearest layers before each, inputs of the network included by their place.
        behind: the nearest layers behind each, outputs of the network included by their place.
    """

    order: tuple[str, ...]
    local: Mapping[str, object]
    before: Mapping[str, tuple[str, ...]]
    behind: Mapping[str, tuple[str, ...]]


def signature(node: Node) -> tuple[object, ...]:
    """What a layer is by itself, alike in both frameworks."""
    kind = node.kind if node.known else "?"
    return (kind, tuple(sorted((slot, weight.shape) for slot, weight in node.weights.items())))


def skeleton(graph: Graph) -> Skeleton:
    """Contract a wired graph to its layers."""
    layers = [node.name for node in graph.layers]
    place = {name: 1 << index for index, name in enumerate(layers)}
    nearest: dict[Value, int] = {}
    before: dict[str, tuple[str, ...]] = {}
    behind: dict[str, list[str]] = defaultdict(list)
    for node in graph.nodes.values():
        reached = 0
        for value in node.inputs:
            reached |= nearest.get(Value(value.node), 0)
        if node.name in place:
            before[node.name] = tuple(_members(reached, layers))
            for name in before[node.name]:
                behind[name].append(node.name)
            reached = place[node.name]
        nearest[Value(node.name)] = reached
    for value in graph.outputs:
        for name in _members(nearest[Value(value.node)], layers):
            behind[name].append("output")
    local = {node.name: signature(node) for node in graph.layers}
    return Skeleton(tuple(layers), local, before, {name: tuple(behind[name]) for name in layers})


def _members(bits: int, names: Sequence[str]) -> Iterable[str]:
    while bits:
        low = bits & -bits
        yield names[low.bit_length() - 1]
        bits ^= low


@dataclass
class Numbers:
    """Small integers for colours, the same for equal descriptions on both sides."""

    known: dict[object, int] = field(default_factory=dict)

    def __call__(self, description: object) -> int:
        return self.known.setdefault(description, len(self.known))


def refine(bones: Skeleton, colours: Colours, numbers: Numbers) -> Colours:
    """One round: each colour with all that lies before, then with all that lies behind, in one pass each."""
    ahead: Colours = {}
    for name in bones.order:
        ahead[name] = numbers(("before", colours[name], _sorted(ahead, bones.before[name])))
    back: Colours = {}
    for name in reversed(bones.order):
        back[name] = numbers(("behind", colours[name], _sorted(back, bones.behind[name])))
    return {name: numbers((ahead[name], back[name])) for name in bones.order}


def _sorted(colours: Colours, names: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted(colours.get(name, -1) for name in names))


@dataclass(frozen=True)
class Pairing:
    """Layers that correspond, with the evidence, and those of either side that were left over."""

    pairs: tuple[tuple[str, str, str], ...]
    left: tuple[str, ...]
    right: tuple[str, ...]


def pair(a: Graph, b: Graph) -> Pairing:
    """Pair the layers of two wired graphs."""
    left, right = skeleton(a), skeleton(b)
    numbers = Numbers()
    colours_a = {name: numbers(left.local[name]) for name in left.order}
    colours_b = {name: numbers(right.local[name]) for name in right.order}
    pairs: dict[str, tuple[str, str]] = {}
    evidence = "graph"
    while True:
        colours_a, colours_b = _stable(left, colours_a, numbers), _stable(right, colours_b, numbers)
        classes_a, classes_b = _classes(left, colours_a), _classes(right, colours_b)
        tied: tuple[str, str] | None = None
        for colour, names in classes_a.items():
            others = classes_b.get(colour, [])
            if len(names) == len(others) == 1:
                pairs.setdefault(names[0], (others[0], evidence))
            elif others and tied is None:
                tied = (names[0], others[0])
        if tied is None:
            break
        evidence = "graph, order"
        mark = numbers(("paired", *tied))
        colours_a[tied[0]] = colours_b[tied[1]] = mark
    taken = {name for name, _ in pairs.values()}
    return Pairing(
        tuple((name, *pairs[name]) for name in left.order if name in pairs),
        tuple(name for name in left.order if name not in pairs),
        tuple(name for name in right.order if name not in taken),
    )


def _stable(bones: Skeleton, colours: Colours, numbers: Numbers) -> Colours:
    """Refine until no class splits further."""
    count = len(set(colours.values()))
    while True:
        colours = refine(bones, colours, numbers)
        now = len(set(colours.values()))
        if now == count:
            return colours
        count = now


def _classes(bones: Skeleton, colours: Colours) -> dict[int, list[str]]:
    classes: dict[int, list[str]] = defaultdict(list)
    for name in bones.order:
        classes[colours[name]].append(name)
    return classes
