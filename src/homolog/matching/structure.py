"""Which layer is whose, from how they are connected.

Every layer that holds weights gets a colour: its kind and the shapes of its weights. A colour splits where its layers
have neighbours of other colours, until none splits any more. Colours that occur once on either side match. Where
several layers share a colour, the first of each side in topological order are paired, and what that tells of their
neighbours is worked out before the next tie is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from homolog import rules
from homolog.graph import Graph, Node
from homolog.matching.names import in_role_order, nearest
from homolog.matching.skeleton import Bone, Detail, bundles, signature, skeleton

__all__ = ["Pairing", "pair", "signature"]

Key = tuple[int, str]
"""A bone of either graph: 0 or 1, and its name."""
Tie = tuple[tuple[str, ...], tuple[str, ...], str]
"""Layers of either side that are alike in every way the graph tells, and what decided: ``name`` or ``order``."""


@dataclass(frozen=True)
class Pairing:
    """Layers that correspond, with the evidence, and those of either side that were left over.

    Attributes:
        pairs: names on either side, and the evidence.
        left, right: layers that have no partner.
        packed: dense layers that read one value, and are another number on either side, in the order of their parts.
        ties: layers that the graph does not tell apart, as names or their order decided.
    """

    pairs: tuple[tuple[str, str, str], ...]
    left: tuple[str, ...]
    right: tuple[str, ...]
    packed: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    ties: tuple[Tie, ...] = ()


LEVELS = (
    Detail(),
    Detail(roles=False),
    Detail(joins=False),
    Detail(joins=False, roles=False),
    Detail(joins=False, roles=False, bundles=True),
    Detail(outputs=False),
    Detail(joins=False, roles=False, outputs=False),
    Detail(joins=False, roles=False, bundles=True, outputs=False),
)
"""From the most that a graph can say to the least: frameworks and people write the same network in many ways."""


def pair(a: Graph, b: Graph, settled: Mapping[str, str] | None = None) -> Pairing:
    """Pair the layers of two wired graphs, in as much detail as both agree in.

    Args:
        a, b: the graphs.
        settled: pairs that are known already, where the graph does not tell.
    """
    best: Pairing | None = None
    for detail in LEVELS:
        found = _pair(a, b, detail, settled or {})
        if best is None or len(found.left) + len(found.right) < len(best.left) + len(best.right):
            best = found
        if not found.left and not found.right:
            break
    return best or Pairing((), (), ())


def _pair(a: Graph, b: Graph, detail: Detail, known: Mapping[str, str]) -> Pairing:
    sides = (skeleton(a, detail), skeleton(b, detail))
    colours = Colours(sides)
    ties: list[Tie] = []
    otherwise = "graph, name"  # what is left over once a tie is broken rests on what broke it
    for one, two in known.items():
        if one in sides[0] and two in sides[1]:
            colours.tell_apart([(0, one), (1, two)])
    settled = {key for key in colours.bones if len(colours.members(key)) == 2}
    pairs: dict[str, tuple[str, str]] = {}
    for name in sides[0]:
        key = (0, name)
        ours = [member for member in colours.members(key) if member[0] == 0]
        theirs = [member for member in colours.members(key) if member[0] == 1]
        if not theirs:
            continue
        chosen, why = theirs[0], "graph"
        if len(ours) > 1 or len(theirs) > 1:
            ours, theirs = (sorted(members, key=colours.place) for members in (ours, theirs))
            ours, theirs = _set_alike(a, b, key, ours, theirs)
            named = (
                theirs[0][1]
                if len(ours) == len(theirs) == 1
                else nearest(name, [member[1] for member in ours], [member[1] for member in theirs])
            )
            chosen, why = ((1, named), "graph, name") if named is not None else (theirs[0], "graph, order")
            if named is None:
                otherwise = "graph, order"
            if len(ours) == len(theirs) and not any(name in tie[0] for tie in ties):
                how = "order" if named is None else "name"
                ties.append((tuple(member[1] for member in ours), tuple(member[1] for member in theirs), how))
            colours.tell_apart([key, chosen])
        elif key not in settled:
            why = otherwise
        pairs[name] = (chosen[1], why)
    return replace(_members(a, b, detail, pairs), ties=tuple(ties))


def _set_alike(a: Graph, b: Graph, key: Key, ours: list[Key], theirs: list[Key]) -> tuple[list[Key], list[Key]]:
    """Of layers that are alike, those that are set like this one, if there are as many of them on either side."""
    if key[1] not in a.nodes or not a.nodes[key[1]].known:
        return ours, theirs
    wanted = _settings(a.nodes[key[1]])
    left = [member for member in ours if _settings(a.nodes[member[1]]) == wanted]
    right = [member for member in theirs if member[1] in b.nodes and _settings(b.nodes[member[1]]) == wanted]
    return (left, right) if len(left) == len(right) else (ours, theirs)


def _settings(node: Node) -> list[tuple[str, object]]:
    rule = rules.for_kind(node.kind)
    return [(name, node.fields.get(name)) for name in (() if rule is None else rule.function_fields())]


def _members(a: Graph, b: Graph, detail: Detail, pairs: dict[str, tuple[str, str]]) -> Pairing:
    """The pairs of layers; of a bundle each of its members with each of the other's, for the rows to share out."""
    ours, theirs = (bundles(graph) if detail.bundles else {} for graph in (a, b))
    found: list[tuple[str, str, str]] = []
    packed: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    for name, (other, why) in pairs.items():
        if name not in a.nodes or not a.nodes[name].weights:
            continue  # an input, an output or a join
        left, right = ours.get(name, [name]), theirs.get(other, [other])
        if len(left) == len(right):
            left, right = in_role_order(a, left), in_role_order(b, right)
            found += [(one, two, why) for one, two in zip(left, right, strict=True)]
        else:
            packed.append((tuple(in_role_order(a, left)), tuple(in_role_order(b, right))))
    taken_a = {one for one, _, _ in found} | {one for many, _ in packed for one in many}
    taken_b = {two for _, two, _ in found} | {two for _, many in packed for two in many}
    return Pairing(
        tuple(found),
        tuple(node.name for node in a.layers if node.name not in taken_a),
        tuple(node.name for node in b.layers if node.name not in taken_b),
        tuple(packed),
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
