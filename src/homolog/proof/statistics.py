"""Batch statistics after training: what each framework keeps of the same batches, and how one follows from the other.

Each step a statistic becomes ``kept x itself + (1 - kept) x the batch's``. For the variance PyTorch takes that of the
population, n / (n - 1) times the batch's own, n being the numbers in each channel; Keras takes the batch's own. Both
normalise with the batch's own. PyTorch's momentum is ``1 - kept``, Keras's is ``kept``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from homolog.graph import Node
from homolog.matching.differences import equal
from homolog.proof.subjects import Subjects
from homolog.signature import Given
from homolog.tensors import Array

KIND = "batch_norm"


@dataclass(frozen=True)
class Conventions:
    """How the first network's variances become what the second keeps.

    Attributes:
        factors: of what was added to them, by name; for those that can be told.
        counts: numbers in each channel, by the name of the variance.
        untold: names of variances for which it cannot be told, with the reason.
    """

    factors: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    untold: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, float] = field(default_factory=dict)

    def taken_over(self, name: str, before: Array, after: Array, steps: int) -> Array:
        """A tensor of the first network after some steps, in the second's convention."""
        if name not in self.factors:
            return after
        decayed = self.kept[name] ** steps * before.astype(np.float64)
        taken: Array = decayed + self.factors[name] * (after.astype(np.float64) - decayed)
        return taken


def conventions(subjects: Subjects, inputs: Given) -> Conventions:
    """The conventions of two networks for the batch norms of the first, on these inputs of it."""
    nodes = _norms(subjects)
    places = [node.layer for found in nodes.values() for node in found if node.layer is not None]
    seen = subjects.a.run(inputs, places).activations
    factors: dict[str, float] = {}
    counts: dict[str, int] = {}
    kept: dict[str, float] = {}
    untold: dict[str, str] = {}
    for name, found in nodes.items():
        node = found[0]
        given = None if node.layer is None else seen.get(node.layer)
        momentum = node.fields.get("momentum")
        if len(found) > 1:
            untold[name] = "for its layer is called more than once a step"
        elif given is None or not isinstance(momentum, float):
            untold[name] = "for its layer keeps an average over all batches, or cannot be watched"
        else:
            counts[name] = given.size // node.weights["running_var"].shape[0]
            kept[name] = 1 - momentum
    if subjects.a.framework == subjects.b.framework:
        return Conventions(counts=counts)
    for name, count in counts.items():
        if count > 1:
            share = (count - 1) / count
            factors[name] = share if subjects.a.framework == "pytorch" else 1 / share
    return Conventions(factors, counts, untold, kept)


def momenta(subjects: Subjects) -> dict[str, str]:
    """Pairs of batch norms that keep another share of what was, in words, by the name of the second's layer."""
    found = {}
    for first, second in subjects.plan.pairs:
        one, two = subjects.graph_a.nodes.get(first), subjects.graph_b.nodes.get(second)
        if one is not None and two is not None and one.kind == two.kind == KIND:
            ours, theirs = one.fields.get("momentum"), two.fields.get("momentum")
            if not equal(ours, theirs):
                found[second] = f"{_momentum(ours)} in {first}, {_momentum(theirs)} in {second}"
    return found


def _momentum(value: object) -> str:
    if not isinstance(value, float):
        return "an average over all batches"
    return f"{value:g} (Keras writes {round(1 - value, 12):g})"


def _norms(subjects: Subjects) -> dict[str, list[Node]]:
    """The first's batch norms, by the name of their variance."""
    found: dict[str, list[Node]] = {}
    for node in subjects.graph_a.nodes.values():
        if node.kind == KIND and "running_var" in node.weights:
            name = node.weights["running_var"].tensors[0].name
            found.setdefault(subjects.names.get(name, name), []).append(node)
    return found
