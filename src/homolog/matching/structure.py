"""Which layer is whose, from how they are connected.

Every layer that holds weights gets a colour: its kind and the shapes of its weights. A colour splits where its layers
have neighbours of other colours, until none splits any more. Colours that occur once on either side match. Where
several layers share a colour, the first of each side in topological order are paired, and what that tells of their
neighbours is worked out before the next tie is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from homolog.graph import Graph
from homolog.matching.skeleton import Bone, signature, skeleton

__all__ = ["Pairing", "pair", "signature"]

Key = tuple[int, str]
"""A bone of either graph: 0 or 1, and its name."""


@dataclass(frozen=True)
class Pairing:
    """Layers that correspond, with the evidence, and those of either side that were left over."""

    pairs: tuple[tuple[str, str, str], ...]
    left: tuple[str, ...]
    right: tuple[str, ...]


def pair(a: Graph, b: Graph) -> Pairing:
    """Pair the layers of two wired graphs."""
    sides = (skeleton(a), skeleton(b))
    colours = Colours(sides)
    settled = {key for key in colours.bones if len(colours.members(key)) == 2}
    pairs: dict[str, tuple[str, str]] = {}
    for name in sides[0]:
        key = (0, name)
        ours = [member for member in colours.members(key) if member[0] == 0]
        theirs = [member for member in colours.members(key) if member[0] == 1]
        if not theirs:
            continue
        chosen = min(theirs, key=colours.place)
        if len(ours) > 1 or len(theirs) > 1:
            colours.tell_apart([key, chosen])
        pairs[name] = (chosen[1], "graph" if key in settled else "graph, order")
    taken = {name for name, _ in pairs.values()}
    left, right = ([node.name for node in graph.layers] for graph in (a, b))
    return Pairing(
        tuple((name, *pairs[name]) for name in left if name in pairs),
        tuple(name for name in left if name not in pairs),
        tuple(name for name in right if name not in taken),
    )


class Colours:
    """The bones of both graphs in classes that nothing known so far tells apart."""

    def __init__(self, sides: tuple[Mapping[str, Bone], Mapping[str, Bone]]) -> None:
        self.bones = {(side, name): bone for side, bones in enumerate(sides) for name, bone in bones.items()}
        self._places = {key: place for place, key in enumerate(self.bones)}
        self._colour: dict[Key, int] = {}
        self._classes: list[set[Key]] = []
        groups: dict[Hashable, list[Key]] = defaultdict(list)
        for key, bone in self.bones.items():
            groups[bone.local].append(key)
        for keys in groups.values():
            self._paint(keys)
        self._refine(self.bones)

    def members(self, key: Key) -> set[Key]:
        """The class of a bone."""
        return self._classes[self._colour[key]]

    def place(self, key: Key) -> int:
        """Where a bone stands in the topological order."""
        return self._places[key]

    def tell_apart(self, keys: Iterable[Key]) -> None:
        """Give these bones a colour of their own, and follow that through."""
        keys = list(keys)
        self._paint(keys)
        self._refine(neighbour for key in keys for neighbour in self._neighbours(key))

    def _paint(self, keys: Iterable[Key]) -> None:
        """Move bones to a new class."""
        keys = set(keys)
        for key in keys & self._colour.keys():
            self.members(key).discard(key)
        self._colour.update(dict.fromkeys(keys, len(self._classes)))
        self._classes.append(keys)

    def _refine(self, touched: Iterable[Key]) -> None:
        """Split the classes of bones whose neighbours have changed their colour, and so on from there."""
        while touched := set(touched):
            groups: dict[tuple[int, Hashable], list[Key]] = defaultdict(list)
            for key in touched:
                groups[self._colour[key], self._surroundings(key)].append(key)
            whole = {colour for colour, _ in groups if self._classes[colour] <= touched}
            changed: list[Key] = []
            for (colour, _), keys in groups.items():
                if colour in whole:  # the first of its groups keeps the colour
                    whole.discard(colour)
                else:
                    self._paint(keys)
                    changed += keys
            touched = {neighbour for key in changed for neighbour in self._neighbours(key)}

    def _surroundings(self, key: Key) -> Hashable:
        side, bone = key[0], self.bones[key]
        before = sorted((edge.place, edge.output, self._colour[side, edge.bone]) for edge in bone.before)
        behind = sorted((edge.place, edge.output, self._colour[side, edge.bone]) for edge in bone.behind)
        return (tuple(before), tuple(behind))

    def _neighbours(self, key: Key) -> Iterable[Key]:
        bone = self.bones[key]
        return ((key[0], edge.bone) for edge in (*bone.before, *bone.behind))
