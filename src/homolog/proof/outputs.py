"""Part two of the proof: both networks give the same outputs, and if not, where they part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from homolog.graph import Graph
from homolog.live import Live
from homolog.plan import Plan
from homolog.proof.part import Part
from homolog.proof.samples import Samples, arranged, labels, samples
from homolog.tensors import Array, array_ref
from homolog.transfer import transfer

SEEDS = (0, 1, 2)
BATCHES = (1, 3)


@dataclass(frozen=True)
class Tolerance:
    """How far float32 outputs may lie apart.

    ``atol + rtol x (largest magnitude of the reference output)``: correct copies differ by the order of summation
    alone, a few units in the last place times the square root of the longest sum.
    """

    atol: float = 1e-6
    rtol: float = 1e-5


@dataclass(frozen=True)
class Subjects:
    """Two live networks, their graphs, and the plan that says what corresponds."""

    a: Live
    b: Live
    graph_a: Graph
    graph_b: Graph
    plan: Plan


def check(subjects: Subjects, tolerance: Tolerance, seeds: Sequence[int] = SEEDS, name: str = "outputs") -> Part:
    """Run both on the same random inputs and compare every output.

    Args:
        subjects: the networks.
        tolerance: for float32.
        seeds: one input each, with every size of batch.
        name: of the part.
    """
    worst, ratio = 0.0, 0.0
    for seed in seeds:
        for batch in BATCHES:
            inputs = samples(subjects.graph_a, subjects.graph_b, batch=batch, seed=seed)
            left, right = subjects.a.run(inputs.first).outputs, subjects.b.run(inputs.second).outputs
            pairs = _aligned(subjects, left, right)
            problem = _problem(left, pairs)
            if problem:
                return Part(name, False, problem, tuple(_where(subjects, inputs, tolerance)))
            for one, two in pairs:
                apart, allowed = distance(one, two), limit(one, tolerance)
                worst, ratio = max(worst, apart), max(ratio, apart / allowed)
            if ratio > 1:
                figure = f"outputs differ by {worst:.1e} (seed {seed}, batch {batch}), {ratio:.1f} x what is allowed"
                return Part(name, False, figure, tuple(_where(subjects, inputs, tolerance)), {"max_abs_error": worst})
    count = len(seeds) * len(BATCHES)
    figure = f"largest difference {worst:.1e} over {count} inputs, {ratio:.2f} of what is allowed"
    return Part(name, True, figure, (), {"max_abs_error": worst, "share_of_tolerance": ratio, "inputs": count})


def check_perturbed(subjects: Subjects, tolerance: Tolerance) -> Part | None:
    """The same with other batch statistics, scales and shifts in both: trivial ones prove nothing.

    None where the networks hold no statistics. Both networks are left as they were.
    """
    names = {
        ref.name
        for node in subjects.graph_a.nodes.values()
        if any(not weight.trainable for weight in node.weights.values())
        for weight in node.weights.values()
        for ref in weight.tensors
    }
    if not names:
        return None
    random = np.random.default_rng(7)
    before = {name: ref.read().copy() for name, ref in subjects.a.tensors().items()}
    changed = {name: _perturbed(array, random) if name in names else array for name, array in before.items()}
    with _filled(subjects.a, changed, before):
        target = dict(transfer(subjects.plan, {name: array_ref(name, array) for name, array in changed.items()}))
        held = {name: ref.read().copy() for name, ref in subjects.b.tensors().items() if name in target}
        with _filled(subjects.b, target, held):
            return check(subjects, tolerance, (3,), "perturbed statistics")


def distance(one: Array, two: Array) -> float:
    """Largest absolute difference, in float64."""
    if one.size == 0:
        return 0.0
    return float(np.abs(one.astype(np.float64) - two.astype(np.float64)).max())


def limit(reference: Array, tolerance: Tolerance) -> float:
    """How far another array may lie from this one."""
    largest = float(np.abs(reference.astype(np.float64)).max()) if reference.size else 0.0
    return tolerance.atol + tolerance.rtol * largest


def _perturbed(array: Array, random: np.random.Generator) -> Array:
    """Positive numbers around one: sound as a variance and as a scale, and not the trivial 0 or 1 anywhere."""
    return (0.5 + random.random(array.shape)).astype(array.dtype)


@contextmanager
def _filled(live: Live, values: Mapping[str, Array], before: Mapping[str, Array]) -> Iterator[None]:
    live.fill(values.items())
    try:
        yield
    finally:
        live.fill(before.items())


def _aligned(subjects: Subjects, left: Sequence[Array], right: Sequence[Array]) -> list[tuple[Array, Array]]:
    """Outputs of both with the axes in the first's order."""
    pairs = []
    for index, (one, two) in enumerate(zip(left, right, strict=False)):
        have = _labels_of(subjects.graph_b, index)
        want = _labels_of(subjects.graph_a, index)
        pairs.append((one, arranged(two, have, want)))
    return pairs


def _labels_of(graph: Graph, index: int) -> tuple[tuple[tuple[str, int | None], ...], ...] | None:
    if index >= len(graph.outputs):
        return None
    value = graph.outputs[index]
    return labels(graph.nodes[value.node], value.index)


def _problem(left: Sequence[Array], pairs: Sequence[tuple[Array, Array]]) -> str:
    """Why the outputs cannot be the same, before any number is compared; empty if they can."""
    if not left:
        return "the network gives no output"
    if len(left) != len(pairs):
        return f"{len(left)} outputs against {len(pairs)}"
    for one, two in pairs:
        if one.shape != two.shape:
            return f"outputs of shapes {one.shape} and {two.shape}"
        if not (np.isfinite(one).all() and np.isfinite(two).all()):
            return "the outputs hold NaN or infinite values, which prove nothing"
    return ""


def _where(subjects: Subjects, inputs: Samples, tolerance: Tolerance) -> Iterator[str]:
    """The first corresponding layers whose activations differ."""
    pairs = [
        (subjects.graph_a.nodes[one], subjects.graph_b.nodes[two])
        for one, two in subjects.plan.pairs
        if one in subjects.graph_a.nodes and two in subjects.graph_b.nodes
    ]
    seen = [(one, two) for one, two in pairs if one.layer and two.layer]
    left = subjects.a.run(inputs.first, [str(one.layer) for one, _ in seen]).activations
    right = subjects.b.run(inputs.second, [str(two.layer) for _, two in seen]).activations
    for one, two in seen:
        if str(one.layer) not in left or str(two.layer) not in right:
            continue
        reference = left[str(one.layer)]
        found = arranged(right[str(two.layer)], labels(two), labels(one))
        if reference.shape != found.shape:
            yield f"first difference: {one.name} gives {reference.shape}, {two.name} gives {found.shape}"
            return
        apart = distance(reference, found)
        if not apart <= limit(reference, tolerance):  # NaN is no agreement either
            yield f"first difference: {one.name} ({one.type}) and {two.name} ({two.type}) differ by {apart:.1e}"
            return
    yield "no difference in any pair of layers that could be compared; it arises between or behind them"
