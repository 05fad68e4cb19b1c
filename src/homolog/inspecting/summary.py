"""The layers of a network with their output shapes and counts, each tensor counted once.

Parameters and buffers are apart in both frameworks: a batch norm's moving statistics are buffers, although Keras
lists them among its weights. A tensor that several layers share is counted where it first stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace

from homolog import rules
from homolog.graph import BARE, Graph, Node, OpenShape
from homolog.inspecting.words import pattern
from homolog.tensors import TensorRef

NO_LAYER = "(no layer)"
"""Type of the row of a tensor that no layer holds."""

STATISTICS: frozenset[str] = frozenset(
    name for rule in rules.TABLE for slot in rule.slots if not slot.trainable for name in (slot.name, slot.keras)
)
"""What both frameworks call statistics: all that tells them from parameters where there is no layer to ask."""


@dataclass(frozen=True)
class LayerRow:
    """One layer or operation.

    Attributes:
        name: as in the graph.
        type: the framework's own name of its class or operator.
        kind: name of its rule, or ``framework:Name`` where no rule knows it.
        outputs: shapes of what it gives, the batch axis open; empty where they are not known.
        parameters: elements that it learns and that no earlier row has counted.
        buffers: elements that it keeps but does not learn, likewise.
        tied: elements that an earlier row has counted.
        scope: names of the modules around it, outermost first.
    """

    name: str
    type: str
    kind: str
    outputs: tuple[OpenShape, ...] = ()
    parameters: int = 0
    buffers: int = 0
    tied: int = 0
    scope: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "name": self.name,
            "type": self.type,
            "kind": self.kind,
            "outputs": [list(shape) for shape in self.outputs],
            "parameters": self.parameters,
            "buffers": self.buffers,
            "tied": self.tied,
            "scope": list(self.scope),
        }


@dataclass(frozen=True)
class Summary:
    """All layers, and what they come to.

    Attributes:
        rows: one for each layer and operation, in topological order; in the source's own order if not ``wired``.
        parameters: elements that are learnt, each tensor once.
        trainable: those of them that are not frozen.
        buffers: elements that are kept but not learnt.
        nbytes: of both, by element type.
        tied: names of tensors that share the bytes of another, with the name of that other.
        ignored: tensors that hold nothing of the function, with the reason; counted nowhere else.
        kinds: how many layers there are of each kind; one that is called twice is one layer.
        types: the same by the framework's own names.
        wired: False where the source does not say how its layers are connected: then there are no shapes.
        total: how many rows there are before any is left out.
    """

    rows: tuple[LayerRow, ...]
    parameters: int
    trainable: int
    buffers: int
    nbytes: Mapping[str, int]
    tied: Mapping[str, str]
    ignored: Mapping[str, str]
    kinds: Mapping[str, int]
    types: Mapping[str, int]
    wired: bool
    total: int

    def matching(self, word: str | None) -> Summary:
        """The same with the rows alone whose name or type matches; the totals stay those of the whole network.

        Raises:
            Usage: ``word`` is no valid regular expression.
        """
        wanted = pattern(word)
        return replace(self, rows=tuple(row for row in self.rows if wanted.search(row.name) or wanted.search(row.type)))

    def __str__(self) -> str:
        from homolog.reporting.text import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        from homolog.reporting.html import fragment

        return fragment(self)

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "layers": [row.to_dict() for row in self.rows],
            "parameters": self.parameters,
            "trainable": self.trainable,
            "buffers": self.buffers,
            "bytes": dict(self.nbytes),
            "tied": dict(self.tied),
            "ignored": dict(self.ignored),
            "kinds": dict(self.kinds),
            "types": dict(self.types),
            "wired": self.wired,
            "total": self.total,
        }


def summarise(graph: Graph) -> Summary:
    """Counts the layers and tensors of a graph. Reads no values."""
    counts = _Counts()
    rows = [counts.row(node) for node in graph.nodes.values() if node.kind != "input"]
    rows += [counts.loose(ref) for ref in graph.loose]
    layers = {_layer(node): node for node in graph.nodes.values() if node.kind != "input"}.values()
    ignored = {ref.name: reason for node in graph.nodes.values() for ref, reason in node.ignored.items()}
    return Summary(
        tuple(rows),
        counts.parameters,
        counts.trainable,
        sum(row.buffers for row in rows),
        dict(counts.nbytes.most_common()),
        counts.tied,
        ignored,
        dict(Counter(node.kind for node in layers if node.kind != BARE).most_common()),
        dict(Counter(node.type for node in layers if node.type).most_common()),
        graph.wired,
        len(rows),
    )


def stored(node: Node) -> Iterator[tuple[TensorRef, bool]]:
    """The tensors of a node's weight slots, each with whether it is a buffer."""
    for slot, weight in node.weights.items():
        for ref in weight.tensors:
            yield ref, not weight.trainable or (_unruled(node) and is_buffer(slot, ref))


def is_buffer(slot: str, ref: TensorRef) -> bool:
    """Whether a tensor is a buffer, where no rule says so: it is not trained, or is named as statistics are."""
    return ref.trainable is False or slot.replace(".", "/").rpartition("/")[2] in STATISTICS


def identity(ref: TensorRef) -> Hashable:
    """Equal for tensors that are the same bytes."""
    return ref.storage if ref.storage is not None and ref.size else ("name", ref.name)


class _Counts:
    """Totals, and the tensors that are in them already."""

    def __init__(self) -> None:
        self.parameters = 0
        self.trainable = 0
        self.nbytes: Counter[str] = Counter()
        self.tied: dict[str, str] = {}
        self.first: dict[Hashable, str] = {}

    def row(self, node: Node) -> LayerRow:
        parameters = buffers = tied = 0
        for ref, buffer in stored(node):
            if not self.is_new(ref):
                tied += ref.size
            elif buffer:
                buffers += ref.size
            else:
                parameters += self.learnt(ref)
        shapes = tuple(shape for shape in node.shapes if shape)
        return LayerRow(node.name, node.type, node.kind, shapes, parameters, buffers, tied, node.scope)

    def loose(self, ref: TensorRef) -> LayerRow:
        if not self.is_new(ref):
            return LayerRow(ref.name, NO_LAYER, "", tied=ref.size)
        if is_buffer(ref.name, ref):
            return LayerRow(ref.name, NO_LAYER, "", buffers=ref.size)
        return LayerRow(ref.name, NO_LAYER, "", parameters=self.learnt(ref))

    def is_new(self, ref: TensorRef) -> bool:
        """Whether no tensor with these bytes has been counted; from now on, one has."""
        first = self.first.setdefault(identity(ref), ref.name)
        if first != ref.name:
            self.tied[ref.name] = first
            return False
        if (known := ("seen", ref.name)) in self.first:  # a layer that is called again
            return False
        self.first[known] = ref.name
        self.nbytes[ref.dtype] += ref.nbytes
        return True

    def learnt(self, ref: TensorRef) -> int:
        self.parameters += ref.size
        self.trainable += 0 if ref.trainable is False else ref.size
        return ref.size


def _unruled(node: Node) -> bool:
    """Whether the node's slots do not say what is a buffer: no rule stands behind them, and no module of PyTorch's."""
    return node.kind in (BARE, "parameter") or node.kind.startswith("keras:")


def _layer(node: Node) -> Hashable:
    """Equal for nodes that are calls of one layer."""
    if node.weights:
        return node.kind, tuple(ref.name for weight in node.weights.values() for ref in weight.tensors)
    return (node.kind, "layer", node.layer) if node.layer is not None else (node.kind, "node", node.name)
