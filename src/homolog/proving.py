"""Two networks and a plan → the parts of a proof for which both are run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from homolog.graph import Graph
from homolog.network import Network
from homolog.plan import Plan
from homolog.proof import Part, localise, outputs
from homolog.proof.subjects import Subjects, Tolerance


def run_parts(
    first: Network,
    second: Network,
    left: Graph,
    right: Graph,
    plan: Plan,
    tolerance: Tolerance | None,
    seeds: Sequence[int] = outputs.SEEDS,
    layers: bool = False,
) -> Iterator[Part]:
    """The parts of a proof for which both models are run."""
    missing = [network for network in (first, second) if not network.has_model]
    if missing:
        yield Part(
            "outputs",
            False,
            f"{missing[0].name} holds weights and no model, so nothing could be run",
            (f"help: give it its model, {missing[0].name}@package.module:factory, or prove by weights: --no-run",),
        )
        return
    subjects = Subjects(first.live, second.live, left, right, for_live(plan, first, second), first.live_names())
    if tolerance is None:
        refs = (*first.tensors().values(), *second.tensors().values())
        tolerance = Tolerance.for_dtypes(ref.dtype for ref in refs)
    yield outputs.check(subjects, tolerance, seeds)
    perturbed = outputs.check_perturbed(subjects, tolerance)
    if perturbed is not None:
        yield perturbed
    if layers:
        yield localise.check_layers(subjects, tolerance, seeds[0])


def for_live(plan: Plan, first: Network, second: Network) -> Plan:
    """The plan in the live models' names."""
    ours, theirs = first.live_names(), second.live_names()
    if not ours and not theirs:
        return plan
    rows = tuple(
        replace(
            row,
            target=theirs.get(row.target, row.target),
            sources=tuple(ours.get(name, name) for name in row.sources),
        )
        for row in plan.rows
    )
    return replace(plan, rows=rows)
