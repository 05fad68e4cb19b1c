"""A network as a graph of layers and operations, neutral between the frameworks.

A node is a layer or an operation; both are a ``kind``. Fields are in the words and conventions of the kind's rule
(PyTorch's, where the two differ), so that two nodes of different frameworks can be compared field by field. Weights
come with the transform that takes the stored tensors to the rule's own layout (PyTorch's).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from homolog.tensors import Shape, TensorRef
from homolog.transforms import Transform, chain_shapes

Framework = Literal["pytorch", "keras"]
OpenShape = tuple[int | None, ...]
Part = tuple[str, int | None]
Label = tuple[Part, ...]
"""What an axis of a value runs along, with lengths: ``(("c", 16),)``, or after a flatten several, slowest first."""

BARE = "bare:"
"""Kind of a layer of which nothing is known but its tensors."""
PARAMETER = "parameter"
"""Kind of a tensor that the network uses by itself: a class token, a table of positions, a layer's scale."""


@dataclass(frozen=True)
class Value:
    """One output of one node."""

    node: str
    index: int = 0


@dataclass(frozen=True)
class Weight:
    """One weight slot of a node.

    Attributes:
        tensors: the stored tensors that fill the slot: one, for most.
        layout: takes them to the one array of the rule's own layout.
        trainable: False for statistics.
    """

    tensors: tuple[TensorRef, ...]
    layout: tuple[Transform, ...] = ()
    trainable: bool = True

    @property
    def shape(self) -> Shape:
        """The shape in the rule's own layout."""
        (shape,) = chain_shapes(self.layout, [ref.shape for ref in self.tensors])
        return shape


@dataclass(frozen=True)
class Node:
    """A layer or an operation.

    Attributes:
        name: unique in its graph; for a layer the name its user knows (``features.0``, ``conv2d_1``).
        kind: name of the rule, or ``framework:Name`` for what no rule knows.
        fields: configuration in the rule's words.
        weights: by slot, in the rule's words.
        ignored: tensors it stores that hold nothing of the function, with the reason.
        inputs: the values it reads, in order.
        shapes: one for each output, the batch axis first, in the framework's own order of axes; empty if unknown.
        labels: one tuple of labels for each output, None if unknown (set by ``passes.layout``).
        scope: names of the modules around it, outermost first.
        layer: path of the layer in the live model whose output is this node's, None for bare operations.
        type: the framework's own class or operator name, for people.
    """

    name: str
    kind: str
    fields: Mapping[str, object] = field(default_factory=dict)
    weights: Mapping[str, Weight] = field(default_factory=dict)
    ignored: Mapping[TensorRef, str] = field(default_factory=dict)
    inputs: tuple[Value, ...] = ()
    shapes: tuple[OpenShape, ...] = ()
    labels: tuple[tuple[Label, ...] | None, ...] = ()
    scope: tuple[str, ...] = ()
    layer: str | None = None
    type: str = ""

    @property
    def known(self) -> bool:
        """Whether a rule stands behind the kind."""
        return ":" not in self.kind


@dataclass(frozen=True)
class Graph:
    """A network.

    Attributes:
        framework: whose order of axes the shapes are in.
        nodes: by name, in topological order.
        outputs: the values the network returns, in order.
        loose: tensors of the source that no node holds.
        wired: False where the source says nothing of how its tensors are connected (a bare state_dict).
    """

    framework: Framework
    nodes: Mapping[str, Node]
    outputs: tuple[Value, ...] = ()
    loose: tuple[TensorRef, ...] = ()
    wired: bool = True

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes that the network's inputs enter by, in order."""
        return tuple(node for node in self.nodes.values() if node.kind == "input")

    @property
    def layers(self) -> tuple[Node, ...]:
        """The nodes that hold weights, in topological order."""
        return tuple(node for node in self.nodes.values() if node.weights)

    def weights(self) -> Iterator[tuple[Node, str, Weight]]:
        """Every weight slot: (node, slot, weight)."""
        for node in self.nodes.values():
            for slot, weight in node.weights.items():
                yield node, slot, weight

    def tensors(self) -> dict[str, TensorRef]:
        """Every tensor of the source by name, used, ignored or loose."""
        used = [ref for _, _, weight in self.weights() for ref in weight.tensors]
        ignored = [ref for node in self.nodes.values() for ref in node.ignored]
        return {ref.name: ref for ref in (*used, *ignored, *self.loose)}

    def kinds(self) -> Counter[str]:
        """How many nodes there are of each kind, inputs left out."""
        return Counter(node.kind for node in self.nodes.values() if node.kind != "input")

    def consumers(self) -> dict[Value, list[Node]]:
        """For each value, the nodes that read it."""
        found: dict[Value, list[Node]] = {}
        for node in self.nodes.values():
            for value in node.inputs:
                found.setdefault(value, []).append(node)
        return found

    def with_nodes(self, nodes: Mapping[str, Node]) -> Graph:
        """The same graph with other nodes."""
        return replace(self, nodes=nodes)
