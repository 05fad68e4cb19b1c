"""A graph with nothing left but the layers that hold weights and the places where values meet.

What lies between two layers (activations, pooling, a flatten) is written otherwise in every framework. Which layers
follow each other, and where branches join, is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from homolog.graph import Graph, Node, Value

COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "average"}
"""Kinds of joins that give the same when their inputs change places; of others, unknown ones too, that is not said."""
SUM, ROW = "join", "ordered join"


@dataclass(frozen=True)
class Edge:
    """What leads to a bone, or from it.

    Attributes:
        bone: the other end.
        output: which output of it, for layers that give several.
        place: at which place it enters a join, 0 where that does not matter.
    """

    bone: str
    output: int = 0
    place: int = 0


@dataclass
class Bone:
    """A layer, an input or output of the network, or a join.

    Attributes:
        name: the node's.
        local: what it is by itself, alike in both frameworks.
        before: the nearest bones before it.
        behind: the bones it leads to.
    """

    name: str
    local: object
    before: tuple[Edge, ...] = ()
    behind: list[Edge] = field(default_factory=list)


def signature(node: Node) -> tuple[object, ...]:
    """What a layer is by itself, alike in both frameworks.

    Of a kind that no rule knows, the order of its tensors is what counts: their names may hold those of inner layers,
    which Keras numbers. Its kind names its framework, so that it never corresponds to one of the other.
    """
    if not node.known:
        return (node.kind, tuple(weight.shape for weight in node.weights.values()))
    return (node.kind, tuple(sorted((slot, weight.shape) for slot, weight in node.weights.items())))


def skeleton(graph: Graph) -> Mapping[str, Bone]:
    """Contract a wired graph; the bones come in topological order, the outputs at the end."""
    bones: dict[str, Bone] = {}
    nearest: dict[str, Edge | None] = {}  # for each node the bone whose value reaches it
    entries = {node.name: place for place, node in enumerate(graph.inputs)}
    readers = {value: len(nodes) for value, nodes in graph.consumers().items()}

    def reaching(value: Value) -> Edge | None:
        edge = nearest.get(value.node)
        return Edge(edge.bone, value.index) if edge is not None and value.index else edge

    for node in graph.nodes.values():
        edges = [edge for value in node.inputs if (edge := reaching(value)) is not None]
        bone: Bone | None = None
        if node.name in entries:
            bone = Bone(node.name, ("input", entries[node.name]))
        elif node.weights:
            bone = Bone(node.name, signature(node), tuple(edges))
        elif len(set(edges)) > 1:
            bone = _join(node, edges, bones, graph, readers)
        if bone is not None:
            bones[node.name] = bone
        nearest[node.name] = Edge(node.name) if bone is not None else edges[0] if edges else None
    for place, value in enumerate(graph.outputs):
        edge = reaching(value)
        bones[f"output {place}"] = Bone(f"output {place}", ("output", place), () if edge is None else (edge,))
    return _linked(bones)


def _join(node: Node, edges: list[Edge], bones: Mapping[str, Bone], graph: Graph, readers: Mapping[Value, int]) -> Bone:
    """Values meet. A sum of sums is one sum, and a concatenation of concatenations one concatenation."""
    opened: list[Edge] = []
    for edge, value in zip(edges, node.inputs, strict=False):
        inner = graph.nodes[value.node]
        nested = value.node == edge.bone and inner.kind == node.kind and not inner.weights
        if nested and (node.kind == "concat" or (node.kind in COMMUTATIVE and readers[value] == 1)):
            opened += bones[edge.bone].before
        else:
            opened.append(edge)
    if node.kind in COMMUTATIVE:
        return Bone(node.name, SUM, tuple(opened))
    return Bone(node.name, ROW, tuple(Edge(edge.bone, edge.output, place) for place, edge in enumerate(opened)))


def _linked(bones: dict[str, Bone]) -> Mapping[str, Bone]:
    """Without joins that were merged into others, and with the edges in the other direction too."""
    read: set[str] = set()
    for bone in reversed(bones.values()):
        if not _is_join(bone) or bone.name in read:
            read |= {edge.bone for edge in bone.before}
    kept = {name: bone for name, bone in bones.items() if not _is_join(bone) or name in read}
    for bone in kept.values():
        for edge in bone.before:
            kept[edge.bone].behind.append(Edge(bone.name, edge.output, edge.place))
    return kept


def _is_join(bone: Bone) -> bool:
    return bone.local in (SUM, ROW)
