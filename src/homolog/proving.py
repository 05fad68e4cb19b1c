"""Two networks and a plan → the parts of a proof for which both are run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace

from homolog.graph import Graph
from homolog.network import Network
from homolog.plan import Plan
from homolog.proof import Cause, Part, localise, outputs, perturbed, precision, sizes, training
from homolog.proof import causes as why
from homolog.proof import gradients as slopes
from homolog.proof.cause import Mend
from homolog.proof.memory import require_room
from homolog.proof.subjects import Subjects, Tolerance
from homolog.proof.trial import tried
from homolog.signature import Given

LEARNING = {"gradients", "training"}
"""Parts that compare how the two learn; where they alone fail, the outputs agree."""


def run_parts(
    first: Network,
    second: Network,
    left: Graph,
    right: Graph,
    plan: Plan,
    tolerance: Tolerance | None,
    seeds: Sequence[int] = outputs.SEEDS,
    layers: bool = False,
    given: Given | None = None,
    *,
    other_sizes: bool = False,
    gradients: bool = False,
    steps: int = 0,
    constants: bool = False,
    fixed: frozenset[int] = frozenset(),
    sparing: bool = False,
) -> Iterator[Part]:
    """The parts of a proof for which both models are run.

    Args:
        first, second, left, right, plan: the networks, their graphs, and what corresponds.
        tolerance: for the outputs; by the element types of the weights if None.
        seeds: of the random inputs.
        layers: compare every pair of layers as well.
        given: inputs of the first network, in place of random ones.
        other_sizes: compare on odd sizes as well, where both leave them open.
        gradients: compare the gradients of one loss as well.
        steps: train both for so many steps as well.
        constants: whether the second holds numbers, rounded to float32, that the first computes anew.
        fixed: places of the first's outputs that hold nothing of the inputs but their shapes (``Subjects``).
        sparing: where batch statistics are perturbed, compare the networks as they are on the first inputs alone: what
            depends on the size of the batch shows in the other one, which is run with the perturbed statistics.

    Raises:
        Unsupported: the two do not fit into memory together.
        Usage: the inputs given do not fit.
    """
    missing = [network for network in (first, second) if not network.has_model]
    if missing:
        yield Part(
            "outputs",
            False,
            f"{missing[0].name} holds weights and no model, so nothing could be run",
            (f"help: give it its model, {missing[0].name}@package.module:factory, or prove by weights: --no-run",),
        )
        return
    require_room(first, second)
    subjects = replace(_subjects(first, second, (left, right), plan, given), fixed=fixed)
    if tolerance is None:
        refs = (*first.tensors().values(), *second.tensors().values())
        tolerance = Tolerance.for_dtypes(ref.dtype for ref in refs)
    first_batch, second_batch, third_batch = outputs.BATCHES
    trial = tried(subjects, seeds[0], first_batch)
    # in front of the outputs, which it may spare a run; it leaves both networks bit for bit as they were
    changed = perturbed.check(subjects, tolerance, second_batch if sparing else third_batch)
    spared = sparing and changed is not None and changed.passed
    part = outputs.check(subjects, tolerance, seeds, first=trial, alone=spared)
    yield part
    if tolerance.rounding and tolerance.resolution == "float32" and part.passed:
        found = list(precision.check(trial, constants=constants))
        subjects = replace(subjects, rounded=precision.is_rounded(found))
        yield from found
    if changed is not None:
        yield changed
    if other_sizes and part.passed:
        other = sizes.check_sizes(subjects, tolerance)
        if other is not None:
            yield other
    if layers:
        yield localise.check_layers(subjects, tolerance, seeds[0])
    if gradients:
        yield slopes.check(subjects, seeds[0])
    if steps:
        yield training.check(subjects, steps, seeds[0])


def _subjects(
    first: Network, second: Network, graphs: tuple[Graph, Graph], plan: Plan, given: Given | None
) -> Subjects:
    return Subjects(first.live, second.live, *graphs, for_live(plan, first, second), first.live_names(), given)


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


def causes(
    first: Network,
    second: Network,
    graphs: tuple[Graph, Graph],
    plan: Plan,
    parts: Sequence[Part],
    given: Given | None = None,
    *,
    run: bool,
) -> tuple[Cause, ...]:
    """Why the two differ, in the order of their layers; empty where every part passed.

    Args:
        first, second: the networks.
        graphs: of both.
        plan: what corresponds, and which settings differ.
        parts: of the proof.
        given: inputs of the first network that they were run on, in place of random ones.
        run: whether the networks may be run.
    """
    if all(part.passed for part in parts):
        return ()
    mend = _mend(first, second)
    found = why.of_weights(*graphs, plan, mend)
    if run and first.has_model and second.has_model:
        subjects = _subjects(first, second, graphs, plan, given)
        failed = [part for part in parts if not part.passed]
        if all("proves_nothing" in part.figures for part in failed):
            return why.in_order(found, *graphs)  # they may be the same: what differs in such a run differs by chance
        if {part.name for part in failed} <= LEARNING:
            found += why.of_training(subjects)
        else:
            found = [*why.of_runs(subjects, plan.differences, mend, explained=bool(found)), *found]
    return why.in_order(found, *graphs)


def _mend(first: Network, second: Network) -> Mend:
    """On the command line for networks that it can name."""
    if not all(":" in network.name or network.path is not None for network in (first, second)):
        return Mend()
    command = shlex.join(["homolog", "copy", first.name, second.name, "-o", "OUT"])
    return Mend(command, f"{command} --carry-config")
