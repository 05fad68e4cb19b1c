"""Where two networks part: corresponding layers, each fed with what the first network feeds its own.

The second network runs with the first one's activations in place of those of its own layers, so that nothing
propagates: every layer that differs is itself the culprit, or what lies between it and the layers in front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from homolog.graph import Graph, Node
from homolog.live import BEFORE_ACTIVATION, INPUT, Run
from homolog.passes.layout import labels_at
from homolog.proof.part import Part
from homolog.proof.samples import Samples, arranged, inputs_for
from homolog.proof.subjects import Subjects, Tolerance, distance, limit
from homolog.tensors import Array

EXACT = Tolerance(1e-9, 1e-7, "float64")
"""For layers in float64: TensorFlow's constants in gelu and leaky_relu are of float32, 3e-8 at most; the smallest of
the usual mistakes, an eps of 1e-6 for 1e-5, gives 4e-6."""


@dataclass(frozen=True)
class Compared:
    """One pair of layers, what each gives, and how far apart.

    Attributes:
        one, two: the layers.
        apart: the largest difference of what they give.
        allowed: how large it may be.
        shapes: of what they give.
        fed_alike: whether both were given the same; None where that cannot be seen.
    """

    one: Node
    two: Node
    apart: float
    allowed: float
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    fed_alike: bool | None = None

    @property
    def agrees(self) -> bool:
        """Whether the two give the same, within the tolerance; NaN is no agreement."""
        return self.shapes[0] == self.shapes[1] and self.apart <= self.allowed

    def __str__(self) -> str:
        names = f"{self.one.name} ({self.one.type}) and {self.two.name} ({self.two.type})"
        if self.shapes[0] != self.shapes[1]:
            return f"{names} give {self.shapes[0]} and {self.shapes[1]}"
        words = f"{names} differ by {self.apart:.1e}, allowed {self.allowed:.1e}"
        return f"{words}; they are given different values" if self.fed_alike is False and not self.agrees else words


@dataclass(frozen=True)
class Observed:
    """A pair of layers as both networks ran it.

    Attributes:
        compared: what they give, compared.
        given: what the first gives, in its order of axes.
        fed: what each was given, in the first's order of axes; None where that cannot be seen.
    """

    compared: Compared
    given: Array
    fed: tuple[Array, Array] | None


@dataclass(frozen=True)
class _Seen:
    """A pair of layers, and where in the live models what they give can be seen."""

    one: Node
    two: Node
    place: str
    other: str


def compare_layers(
    subjects: Subjects, inputs: Samples, tolerance: Tolerance, *, exact: bool = True
) -> Iterator[Compared]:
    """``observe``, without the numbers."""
    return (item.compared for item in observe(subjects, inputs, tolerance, exact=exact))


def observe(subjects: Subjects, inputs: Samples, tolerance: Tolerance, *, exact: bool = True) -> Iterator[Observed]:
    """Every corresponding pair of layers that can be observed in both networks, in topological order.

    Args:
        subjects: the networks.
        inputs: what both are run on.
        tolerance: in float32; in float64 it is ``EXACT``.
        exact: whether to try float64 first.
    """
    pairs = [(subjects.graph_a.nodes[first], subjects.graph_b.nodes[second]) for first, second in subjects.plan.pairs]
    seen = [
        _Seen(one, two, place, other)
        for one, two in pairs
        if (place := _watched(one, subjects.graph_a)) is not None
        and (other := _watched(two, subjects.graph_b)) is not None
    ]
    left, right = _both(subjects, inputs, seen, exact=exact)
    allowed = EXACT if exact and _is_wide(left) and _is_wide(right) else tolerance
    for entry in seen:
        first, second = left.activations.get(entry.place), right.activations.get(entry.other)
        if first is not None and second is not None:
            fed = _fed(entry, left, right, subjects)
            yield Observed(_compared(entry, first, second, allowed, fed), first, fed)


def _both(subjects: Subjects, inputs: Samples, seen: list[_Seen], *, exact: bool) -> tuple[Run, Run]:
    """The first network as it is, and the second with the first one's activations; in float64 if both can."""
    ours = [place for entry in seen for place in (entry.place, _input(entry.place))]
    theirs = [place for entry in seen for place in (entry.other, _input(entry.other))]
    wide = subjects.a.exact(inputs.first, ours) if exact else None
    left = wide if wide is not None else subjects.a.run(inputs.first, ours)
    instead = _instead(seen, left)
    right = subjects.b.exact(inputs.second, theirs, instead) if wide is not None else None
    if right is None and wide is not None:
        left = subjects.a.run(inputs.first, ours)
        instead = _instead(seen, left)
    return left, right if right is not None else subjects.b.run(inputs.second, theirs, instead)


def _input(place: str) -> str:
    return f"{place.removesuffix(BEFORE_ACTIVATION)}{INPUT}"


def _instead(seen: list[_Seen], left: Run) -> Mapping[str, Array]:
    """What the second network's layers shall give, in their order of axes."""
    return {
        entry.other: arranged(left.activations[entry.place], labels_at(entry.one), labels_at(entry.two))
        for entry in seen
        if entry.place in left.activations
    }


def _is_wide(run: Run) -> bool:
    return any(array.dtype == np.float64 for array in (*run.outputs, *run.activations.values()))


def _watched(node: Node, graph: Graph) -> str | None:
    """Where in the live model a node's output can be seen, None if nowhere."""
    if node.layer is None and graph.framework == "keras" and node.weights:
        fused = f"{node.name}/activation" in graph.nodes  # a layer that is called again has another name
        return f"{node.name}{BEFORE_ACTIVATION}" if fused else None
    return node.layer


def _fed(entry: _Seen, left: Run, right: Run, subjects: Subjects) -> tuple[Array, Array] | None:
    """What two layers were given, so far as it is seen, in the first one's order of axes."""
    first, second = left.activations.get(_input(entry.place)), right.activations.get(_input(entry.other))
    if first is None or second is None or not (entry.one.inputs and entry.two.inputs):
        return None
    if any(node.name == f"{node.layer}/activation" for node in (entry.one, entry.two)):
        return None  # what its layer takes is seen, and not what it takes itself
    ours, theirs = entry.one.inputs[0], entry.two.inputs[0]
    have = labels_at(subjects.graph_b.nodes[theirs.node], theirs.index)
    return first, arranged(second, have, labels_at(subjects.graph_a.nodes[ours.node], ours.index))


def agreement(subjects: Subjects, tolerance: Tolerance) -> tuple[bool, float]:
    """Whether two networks agree on one input, and how many pairs of layers do before the first that does not."""
    inputs = inputs_for(subjects, batch=2, seed=0)
    pairs = list(compare_layers(subjects, inputs, tolerance, exact=False))
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
    threshold = "all of them, each fed with the first network's own values"
    figures = {"pairs": len(pairs), "differ": len(wrong)}
    return Part("layers", bool(pairs) and not wrong, figure, details, figures, threshold)


def _compared(
    entry: _Seen, first: Array, second: Array, tolerance: Tolerance, fed: tuple[Array, Array] | None
) -> Compared:
    one, two = entry.one, entry.two
    second = arranged(second, labels_at(two), labels_at(one))
    same = first.shape == second.shape
    apart = distance(first, second) if same else float("inf")
    alike = None
    if fed is not None and fed[0].shape == fed[1].shape:  # of other shapes: a pad that a layer of the other side has
        alike = distance(*fed) <= limit(fed[0], tolerance)
    return Compared(one, two, apart, limit(first, tolerance), (first.shape, second.shape), alike)
