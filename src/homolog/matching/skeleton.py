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
NORMS = {"batch_norm", "layer_norm", "group_norm", "rms_norm", "instance_norm"}
"""Kinds whose weights are all of one shape, a number for each channel."""
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

    A bias, and the scale of a norm, are left out: a layer without them is the same with zero, or one.

    Of a kind that no rule knows, the order of its tensors is what counts: their names may hold those of inner layers,
    which Keras numbers. Its kind names its framework, so that it never corresponds to one of the other.
    """
    if not node.known:
        return (node.kind, tuple(weight.shape for weight in node.weights.values()))
    shapes = {slot: weight.shape for slot, weight in node.weights.items()}
    if node.kind in NORMS:
        return (node.kind, *sorted(set(shapes.values())))
    return (
        node.kind,
        tuple(sorted(item for item in shapes.items() if not item[0].startswith("bias") or len(shapes) == 1)),
    )


@dataclass(frozen=True)
class Detail:
    """How much of a graph its skeleton keeps.

    Attributes:
        joins: the places where values meet, and in which order; else only which layers follow which.
        roles: which part of an attention a layer feeds.
        bundles: dense layers that read the same value count as one, as wide as all of them.
        outputs: what the network gives, and in which order; the same network may give more of what it computes.
    """

    joins: bool = True
    roles: bool = True
    bundles: bool = False
    outputs: bool = True


def skeleton(graph: Graph, detail: Detail = Detail()) -> Mapping[str, Bone]:
    """Contract a wired graph; the bones come in topological order, the outputs at the end."""
    if not detail.joins:
        return _loose(graph, detail)
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
            bone = Bone(node.name, _local(node, detail), tuple(edges))
        elif len(set(edges)) > 1:
            bone = _join(node, edges, bones, graph, readers)
        if bone is not None:
            bones[node.name] = bone
        nearest[node.name] = Edge(node.name) if bone is not None else edges[0] if edges else None
    for place, value in enumerate(graph.outputs if detail.outputs else ()):
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


def _local(node: Node, detail: Detail) -> object:
    role = node.fields.get("role") if detail.roles else None
    return (signature(node), role) if role else signature(node)


def bundles(graph: Graph) -> dict[str, list[str]]:
    """Dense layers that read the same value, in topological order, by the name of the first."""
    reading: dict[Value, list[str]] = {}
    for node in graph.nodes.values():
        if node.kind == "linear" and len(node.inputs) == 1:
            reading.setdefault(_through(graph, node.inputs[0]), []).append(node.name)
    return {names[0]: names for names in reading.values()}


def _through(graph: Graph, value: Value) -> Value:
    """A value without the operations that change nothing: three casts of one value are one value."""
    node = graph.nodes[value.node]
    while len(node.inputs) == 1 and not node.weights and (node.kind in ("identity", "dropout") or "ast" in node.kind):
        value = node.inputs[0]
        node = graph.nodes[value.node]
    return value


def _loose(graph: Graph, detail: Detail) -> Mapping[str, Bone]:
    """The layers, each with all the nearest layers before it, whatever lies between."""
    groups = bundles(graph) if detail.bundles else {}
    first = {name: head for head, names in groups.items() for name in names}
    bones: dict[str, Bone] = {}
    place: dict[str, int] = {}
    nearest: dict[str, int] = {}
    entries = {node.name: index for index, node in enumerate(graph.inputs)}
    names: list[str] = []
    inputs = 0  # count only for layers that no other layer leads to: a mask may enter anywhere

    def edges(reached: int) -> tuple[Edge, ...]:
        found = []
        while reached:
            low = reached & -reached
            found.append(Edge(names[low.bit_length() - 1]))
            reached ^= low
        return tuple(found)

    for node in graph.nodes.values():
        reached = 0
        for value in node.inputs:
            reached |= nearest[value.node]
        head = first.get(node.name, node.name)
        if head != node.name:
            nearest[node.name] = 1 << place[head]
            continue
        local: object = None
        if node.name in entries:
            local = ("input", entries[node.name])
        elif node.name in groups:
            shapes = [graph.nodes[name].weights["weight"].shape for name in groups[node.name]]
            local = ("linear", sum(shape[0] for shape in shapes), shapes[0][1])
        elif node.weights:
            local = _local(node, detail)
        if local is not None:
            layers = reached & ~inputs
            bones[node.name] = Bone(node.name, local, edges(layers or reached))
            inputs |= (1 << len(names)) if node.name in entries else 0
            place[node.name] = len(names)
            names.append(node.name)
            reached = 1 << place[node.name]
        nearest[node.name] = reached
    for index, value in enumerate(graph.outputs if detail.outputs else ()):
        bones[f"output {index}"] = Bone(f"output {index}", "output", edges(nearest[value.node]))
    for bone in bones.values():
        for edge in bone.before:
            bones[edge.bone].behind.append(Edge(bone.name))
    return bones
