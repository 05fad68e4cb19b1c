"""Part two of the proof: both networks give the same outputs, and if not, where they part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from homolog.graph import Graph
from homolog.live import Live
from homolog.passes.layout import Labels, labels_at
from homolog.proof.localise import first_difference
from homolog.proof.part import Part
from homolog.proof.samples import arranged, samples
from homolog.proof.subjects import Subjects, Tolerance, distance, limit
from homolog.tensors import Array, array_ref
from homolog.transfer import transfer

SEEDS = (0, 1, 2)
BATCHES = (1, 3)


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
                return Part(name, False, problem, (first_difference(subjects, inputs, tolerance),))
            for one, two in pairs:
                apart, allowed = distance(one, two), limit(one, tolerance)
                worst, ratio = max(worst, apart), max(ratio, apart / allowed)
            if ratio > 1:
                figure = f"outputs differ by {worst:.1e} (seed {seed}, batch {batch}), {ratio:.1f} x what is allowed"
                return Part(
                    name, False, figure, (first_difference(subjects, inputs, tolerance),), {"max_abs_error": worst}
                )
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


def _labels_of(graph: Graph, index: int) -> Labels | None:
    if index >= len(graph.outputs):
        return None
    value = graph.outputs[index]
    return labels_at(graph.nodes[value.node], value.index)


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
