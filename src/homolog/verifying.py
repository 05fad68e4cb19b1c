"""Proof that two networks are the same, or where they part."""

from __future__ import annotations

from collections.abc import Sequence

from homolog.graph import Graph
from homolog.inputs import Inputs, arrays_of, given_by
from homolog.matching import match as match_graphs
from homolog.network import Network
from homolog.opening import load
from homolog.plan import Plan
from homolog.planning import told_by_values
from homolog.proof import Part, Proof, outputs, settings, weights
from homolog.proof.samples import given_samples, samples
from homolog.proof.subjects import Tolerance
from homolog.proving import causes, run_parts
from homolog.reading import read_both
from homolog.tensors import Array


def verify(
    a: object,
    b: object,
    inputs: Inputs | None = None,
    *,
    run: bool = True,
    tolerance: Tolerance | None = None,
    seeds: Sequence[int] = outputs.SEEDS,
    layers: bool = False,
    gradients: bool = False,
    steps: int = 0,
) -> Proof:
    """Prove that two networks are the same, or find where they part.

    Args:
        a, b: sources, or live models, of either framework.
        inputs: arrays, which take the place of random ones, or shapes, for models that must be traced.
        run: False compares the weights alone.
        tolerance: for the outputs.
        seeds: of the random inputs.
        layers: compare every pair of corresponding layers as well, and list them.
        gradients: compare the gradients of one loss as well, tensor by tensor.
        steps: train both for so many steps of plain gradient descent as well, in training mode, and compare what
            becomes of their tensors. Both networks are left as they were.

    Raises:
        Mismatch: the networks do not correspond, so that there is nothing to compare.
        Unsupported: they do not fit into memory together.
        Usage: the inputs given do not fit the first network.
    """
    first, second = load(a), load(b)
    left, right = read_both(first, second, None if inputs is None else arrays_of(inputs, first))
    plan = match_graphs(left, right, first.name, second.name)
    if plan.ties:
        plan = told_by_values(first, second, left, right, plan)
    parts = [_same_weights(plan, first, second, left, right)]
    if left.wired and right.wired:
        parts.append(settings.check(plan, left, right))
    if run:
        parts += list(
            run_parts(
                *(first, second, left, right, plan, tolerance, seeds, layers, given_by(inputs)),
                other_sizes=True,
                gradients=gradients,
                steps=steps,
            )
        )
    why = causes(first, second, (left, right), plan, parts, given_by(inputs), run=run)
    return Proof(tuple(parts), plan.differences, first.name, second.name, why)


def drawn_inputs(
    a: object, b: object, inputs: Inputs | None = None, *, seed: int = outputs.SEEDS[0], batch: int | None = None
) -> dict[str, Array]:
    """The inputs of the first network that ``verify`` of these two runs on, by name.

    ``verify`` given these in place of random ones repeats that run number for number.

    Args:
        a, b: as ``verify`` takes them.
        inputs: as ``verify`` takes them.
        seed: of the random inputs.
        batch: how many rows; as many as the first run of ``verify`` has if None.

    Raises:
        Mismatch: the two take different inputs.
        Unsupported: neither says how large an input is.
    """
    first, second = load(a), load(b)
    left, right = read_both(first, second, None if inputs is None else arrays_of(inputs, first))
    given = given_by(inputs)
    if given is not None:
        return dict(given_samples(left, right, given).first)
    return dict(samples(left, right, batch=outputs.BATCHES[0] if batch is None else batch, seed=seed).first)


def _same_weights(plan: Plan, first: Network, second: Network, left: Graph, right: Graph) -> Part:
    """Every weight of the second from the first's, or the other way about: where one keeps as two what the other adds
    up, or as one what the other folds into another, the sum tells that they are the same, and the parts do not."""
    part = weights.check(plan, first.tensors(), second.tensors())
    if part.passed or all(row.lossless and not row.note for row in plan.rows):
        return part
    back = match_graphs(right, left, second.name, first.name)
    turned = weights.check(back, second.tensors(), first.tensors())
    return turned if turned.passed else part
