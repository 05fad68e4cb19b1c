"""Part of the proof: no setting of two corresponding layers differs, as far as their configurations tell."""

from __future__ import annotations

from homolog.graph import Graph
from homolog.matching.carrying import training
from homolog.plan import Plan
from homolog.proof.part import Part


def check(plan: Plan, a: Graph, b: Graph) -> Part:
    """Settings that change the function fail; those that matter in training alone (momentum, rates) are said.

    Args:
        plan: which nodes correspond, and which settings of theirs differ.
        a, b: the graphs.
    """
    later = [f"in training alone: {item}" for item in training(a, b, plan.pairs)]
    count, pairs = len(plan.differences), len(plan.pairs)
    figure = f"none differs in {pairs} pairs of layers and operations"
    if count:
        figure = f"{count} setting{'s' if count > 1 else ''} of corresponding layers differ"
    figures = {"differ": count, "pairs": pairs, "differ_in_training": len(later)}
    return Part("settings", not count, figure, tuple(later), figures, "none differs")
