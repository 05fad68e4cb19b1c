"""Networks that do not give the same twice, or give a sample something else in other company."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from homolog.graph import Graph, Node
from homolog.live import Live
from homolog.proof.cause import Cause
from homolog.proof.samples import inputs_for
from homolog.proof.subjects import Subjects, Tolerance, distance, limit
from homolog.signature import Given
from homolog.tensors import Array

MOST = 1e-4
"""Of the largest output: how far a sample's output may move with its company; batch statistics move it by percents."""


def causes(subjects: Subjects) -> list[Cause]:
    """One cause for every network that is left in training mode in whole or in part."""
    inputs = inputs_for(subjects, batch=3, seed=0)
    found = []
    for place, live, graph, given in (
        ("first", subjects.a, subjects.graph_a, inputs.first),
        ("second", subjects.b, subjects.graph_b, inputs.second),
    ):
        cause = _random(place, live, graph, given) or _in_company(place, live, graph, given)
        if cause is not None:
            found.append(cause)
    return found


def _random(place: str, live: Live, graph: Graph, given: Given) -> Cause | None:
    one, two = live.run(given).outputs, live.run(given).outputs
    apart = max((distance(*pair) for pair in zip(one, two, strict=True)), default=0.0)
    if apart == 0 or all(distance(*pair) <= limit(pair[0], Tolerance()) for pair in zip(one, two, strict=True)):
        return None
    layer = _in_front(graph, *_that_vary(live, graph, given), lambda node: node.kind == "dropout")
    where = ("", layer) if place == "second" else (layer, "")
    since = f", from {layer} on" if layer else ""
    return Cause(
        "dropout",
        *where,
        f"dropout: the {place} network is not deterministic{since}: dropout, or another random layer, is left on",
        f"tried: two runs on the same input differ by {apart:.1e}",
        "make it follow the module's mode: F.dropout(x, p, training=self.training)"
        if live.framework == "pytorch"
        else "call the layer without training=True",
    )


def _that_vary(live: Live, graph: Graph, given: Given) -> tuple[str, set[str]]:
    """The first layer that gives something else in the second run, and those that give the same."""
    places = [node.layer for node in graph.nodes.values() if node.layer is not None]
    one, two = (live.run(given, places).activations for _ in range(2))
    moved = [name for name in one if not np.array_equal(one[name], two[name], equal_nan=one[name].dtype.kind == "f")]
    return next(iter(moved), ""), one.keys() - set(moved)


def _in_front(graph: Graph, layer: str, steady: Collection[str], wanted: Callable[[Node], bool]) -> str:
    """The nearest node in front of a layer, or of the outputs, that is what is wanted, with nothing steady between;
    the layer itself if there is none."""
    waiting = [node.name for node in graph.nodes.values() if layer and node.layer == layer][:1]
    waiting = waiting or [value.node for value in graph.outputs]
    seen: set[str] = set()
    while waiting:
        node = graph.nodes[waiting.pop(0)]
        if node.layer is not None and node.layer in steady:
            continue
        if wanted(node):
            return node.name
        seen.add(node.name)
        waiting += [value.node for value in node.inputs if value.node not in seen]
    return layer


def _in_company(place: str, live: Live, graph: Graph, given: Given) -> Cause | None:
    """Whether what a sample gives depends on the others of its batch; not alone, for batch norms refuse one sample."""
    layers = [node.layer for node in graph.nodes.values() if node.layer is not None]
    three, two = live.run(given, layers), live.run(_first_two(given), layers)
    moved = [apart for many, few in zip(three.outputs, two.outputs, strict=True) if (apart := _moved(many, few))]
    if not moved:
        return None
    pairs = {name: (many, two.activations[name]) for name, many in three.activations.items() if name in two.activations}
    steady = {name for name, (many, few) in pairs.items() if many.shape[1:] == few.shape[1:] and not _moved(many, few)}
    first = next((name for name, pair in pairs.items() if _moved(*pair)), "")
    layer = _in_front(graph, first, steady, lambda node: "running_var" in node.weights)
    where = ("", layer) if place == "second" else (layer, "")
    since = f", from {layer} on" if layer else ""
    return Cause(
        "training mode",
        *where,
        f"training mode: a sample's output of the {place} network depends on the rest of its batch{since}: a batch "
        "norm uses the statistics of the batch",
        f"tried: among two and among three, the same sample's outputs differ by {max(moved):.1e}",
        "let it use its running statistics at inference: follow the module's mode, track_running_stats=True"
        if live.framework == "pytorch"
        else "call the layer without training=True",
    )


def _moved(many: Array, few: Array) -> float:
    """How far the first sample moved, 0 if by no more than ``MOST``, or if the batch is not in front."""
    if not many.ndim or many.shape[1:] != few.shape[1:]:
        return 0.0
    apart = distance(many[:1], few[:1])
    return apart if apart > MOST * float(np.abs(few[:1].astype(np.float64)).max(initial=0)) else 0.0


def _first_two(given: Given) -> Given:
    if isinstance(given, Mapping):
        return {name: array[:2] for name, array in given.items()}
    return [array[:2] for array in given]
