"""Why two networks differ: every cause is tried before it is named.

Weights first, for they are certain; then settings; then what no configuration tells: modes, what is done to inputs and
outputs, and what lies between two layers.
"""

from __future__ import annotations

from collections.abc import Sequence

from homolog.graph import Graph
from homolog.matching.carrying import training
from homolog.plan import Difference, Plan
from homolog.proof.cause import Cause, Mend
from homolog.proof.causes import between, ends, modes, settings, weights
from homolog.proof.subjects import Subjects

__all__ = ["in_order", "of_runs", "of_training", "of_weights"]


def of_weights(a: Graph, b: Graph, plan: Plan, mend: Mend) -> list[Cause]:
    """Causes that the weights alone tell."""
    return weights.causes(a, b, plan, mend)


def of_runs(subjects: Subjects, differences: Sequence[Difference], mend: Mend, *, explained: bool) -> list[Cause]:
    """Causes of other outputs, for which both networks are run.

    Args:
        subjects: the networks.
        differences: settings in which corresponding layers differ.
        mend: what copies them anew.
        explained: whether the weights are cause enough.
    """
    found = settings.causes(subjects, differences, mend)
    for looked in (modes.causes, ends.causes, between.causes):
        if not found and not explained:
            found += looked(subjects)
    return found


def of_training(subjects: Subjects) -> list[Cause]:
    """Causes of another training alone: settings that do nothing at inference."""
    later = list(training(subjects.graph_a, subjects.graph_b, subjects.plan.pairs))
    return settings.of_training(subjects, later[: settings.MOST])


def in_order(found: Sequence[Cause], a: Graph, b: Graph) -> tuple[Cause, ...]:
    """Causes in the order of the layers, what is at no layer first."""
    places = tuple({name: place for place, name in enumerate(graph.nodes)} for graph in (a, b))
    return tuple(sorted(found, key=lambda cause: places[0].get(cause.source, places[1].get(cause.target, -1))))
