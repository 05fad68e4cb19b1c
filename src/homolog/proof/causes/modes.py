"""Networks that do not give the same twice, or give a sample something else in other company."""

from __future__ import annotations

from collections.abc import Callable, Collection

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
    steady = {name for name, array in one.items() if np.array_equal(array, two[name], equal_nan=array.dtype.kind == "f")}
    return next((name for name in one if name not in steady), ""), steady


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
    """Whether what a sample gives depends on the others of its batch."""
    alone = _first_sample(given)
    layers = [node.layer for node in graph.nodes.values() if node.layer is not None]
    together, single = live.run(given, layers), live.run(alone, layers)
    moved = [
        (distance(many[:1], one), float(np.abs(one.astype(np.float64)).max(initial=0)))
        for many, one in zip(together.outputs, single.outputs, strict=True)
        if many.ndim and many[:1].shape == one.shape
    ]
    if not moved or all(apart <= MOST * largest for apart, largest in moved):
        return None
    layer = next(
        (
            name
            for name, many in together.activations.items()
            if (one := single.activations.get(name)) is not None
            and many[:1].shape == one.shape
            and distance(many[:1], one) > MOST * float(np.abs(one.astype(np.float64)).max(initial=0))
        ),
        "",
    )
    layer = _in_front(graph, layer, lambda node: "running_var" in node.weights)
    where = ("", layer) if place == "second" else (layer, "")
    since = f", from {layer} on" if layer else ""
    return Cause(
        "training mode",
        *where,
        f"training mode: a sample's output of the {place} network depends on the rest of its batch{since}: a batch "
        "norm uses the statistics of the batch",
        f"tried: alone and among three, the same sample's outputs differ by {max(apart for apart, _ in moved):.1e}",
        "let it use its running statistics at inference: follow the module's mode, track_running_stats=True"
        if live.framework == "pytorch"
        else "call the layer without training=True",
    )


def _first_sample(given: Given) -> Given:
    def first(array: Array) -> Array:
        return array[:1]

    return (
        {name: first(array) for name, array in given.items()}
        if hasattr(given, "items")
        else [first(array) for array in given]
    )
