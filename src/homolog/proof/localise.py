"""Where two networks part: the activations of corresponding layers, compared in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homolog.graph import Graph, Node
from homolog.live import BEFORE_ACTIVATION
from homolog.passes.layout import labels_at
from homolog.proof.part import Part
from homolog.proof.samples import Samples, arranged, inputs_for
from homolog.proof.subjects import Subjects, Tolerance, distance, limit
from homolog.tensors import Array


@dataclass(frozen=True)
class Compared:
    """One pair of layers, what each gives, and how far apart."""

    one: Node
    two: Node
    apart: float
    allowed: float
    shapes: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def agrees(self) -> bool:
        """Whether the two give the same, within the tolerance; NaN is no agreement."""
        return self.shapes[0] == self.shapes[1] and self.apart <= self.allowed

    def __str__(self) -> str:
        names = f"{self.one.name} ({self.one.type}) and {self.two.name} ({self.two.type})"
        if self.shapes[0] != self.shapes[1]:
            return f"{names} give {self.shapes[0]} and {self.shapes[1]}"
        return f"{names} differ by {self.apart:.1e}, allowed {self.allowed:.1e}"


def compare_layers(subjects: Subjects, inputs: Samples, tolerance: Tolerance) -> Iterator[Compared]:
    """Every corresponding pair of layers that can be observed in both networks, in topological order."""
    pairs = [(subjects.graph_a.nodes[first], subjects.graph_b.nodes[second]) for first, second in subjects.plan.pairs]
    seen = [
        (one, two, place, other)
        for one, two in pairs
        if (place := _watched(one, subjects.graph_a)) is not None
        and (other := _watched(two, subjects.graph_b)) is not None
    ]
    left = subjects.a.run(inputs.first, [place for _, _, place, _ in seen]).activations
    right = subjects.b.run(inputs.second, [other for _, _, _, other in seen]).activations
    for one, two, place, other in seen:
        first, second = left.get(place), right.get(other)
        if first is not None and second is not None:
            yield _compared(one, two, first, second, tolerance)


def _watched(node: Node, graph: Graph) -> str | None:
    """Where in the live model a node's output can be seen, None if nowhere."""
    if node.layer is None and graph.framework == "keras" and node.weights:
        fused = f"{node.name}/activation" in graph.nodes  # a layer that is called again has another name
        return f"{node.name}{BEFORE_ACTIVATION}" if fused else None
    return node.layer


def agreement(subjects: Subjects, tolerance: Tolerance) -> tuple[bool, float]:
    """Whether two networks agree on one input, and how many pairs of layers do before the first that does not."""
    inputs = inputs_for(subjects, batch=2, seed=0)
    pairs = list(compare_layers(subjects, inputs, tolerance))
    reached = next((place for place, pair in enumerate(pairs) if not pair.agrees), len(pairs))
    left, right = subjects.a.run(inputs.first).outputs, subjects.b.run(inputs.second).outputs
    close = all(
        one.shape == two.shape and distance(one, two) <= limit(one, tolerance)
        for one, two in zip(left, right, strict=False)
    )
    return reached == len(pairs) and close, float(reached)


def first_difference(subjects: Subjects, inputs: Samples, tolerance: Tolerance) -> str:
    """The first pair whose activations differ, in words."""
    for compared in compare_layers(subjects, inputs, tolerance):
        if not compared.agrees:
            return f"first difference: {compared}"
    return "no difference in any pair of layers that could be compared; it arises between or behind them"


def check_layers(subjects: Subjects, tolerance: Tolerance, seed: int = 0) -> Part:
    """Compare layer by layer, and list every pair."""
    inputs = inputs_for(subjects, batch=2, seed=seed)
    pairs = list(compare_layers(subjects, inputs, tolerance))
    wrong = [pair for pair in pairs if not pair.agrees]
    details = tuple(f"{'agree ' if pair.agrees else 'DIFFER'} {pair}" for pair in pairs)
    figure = f"{len(pairs) - len(wrong)} of {len(pairs)} pairs of layers agree"
    return Part("layers", bool(pairs) and not wrong, figure, details, {"pairs": len(pairs), "differ": len(wrong)})


def _compared(one: Node, two: Node, first: Array, second: Array, tolerance: Tolerance) -> Compared:
    second = arranged(second, labels_at(two), labels_at(one))
    same = first.shape == second.shape
    apart = distance(first, second) if same else float("inf")
    return Compared(one, two, apart, limit(first, tolerance), (first.shape, second.shape))
