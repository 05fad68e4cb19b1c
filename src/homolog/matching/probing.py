"""Which layer is whose, where neither the graph nor the names tell: tried out.

Layers that are alike in every way the graphs tell are paired by name, or by the order they come in. Whether that was
right shows when the networks are compared; if it was not, the other ways to pair them are tried, one tie after
another, and the one in which the two agree furthest is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice, permutations

from homolog.plan import Plan

TRIES = 24
"""Ways to pair one tie that are tried: all of them for up to four layers."""
IN_ALL = 500

Match = Callable[[Mapping[str, str]], Plan]
Score = Callable[[Plan], tuple[bool, float]]
"""Whether a plan is right, and how far it carries: more is better."""


def probe(plan: Plan, match: Match, score: Score, word: str) -> Plan:
    """The plan, or one that pairs its ties in another way, if that is right or carries further.

    Args:
        plan: as names and order have it.
        match: finds the plan in which some pairs are settled.
        score: tries a plan out.
        word: for the evidence, what decided.
    """
    done, best = score(plan)
    tried = 0
    settled: dict[str, str] = {}
    for ours, _, _ in plan.ties:
        if done:
            break
        theirs = [_partner(plan, name, settled) for name in ours]
        for order in islice(permutations(theirs), 1, TRIES):
            if tried >= IN_ALL:
                return plan
            tried += 1
            other = match({**settled, **dict(zip(ours, order, strict=True))})
            done, reached = score(other)
            if done or reached > best:
                best, kept = reached, order
                plan = _said(other, word)
                settled.update(zip(ours, kept, strict=True))
            if done:
                break
        settled.update({name: _partner(plan, name, settled) for name in ours})
    return plan


def _partner(plan: Plan, name: str, settled: Mapping[str, str]) -> str:
    return settled.get(name) or next(two for one, two in plan.pairs if one == name)


def _said(plan: Plan, word: str) -> Plan:
    """With the evidence in the rows."""
    tied = {name for ours, _, _ in plan.ties for name in ours}
    rows = tuple(
        replace(row, evidence=f"graph, {word}") if row.evidence != "graph" or row.layer[0] in tied else row
        for row in plan.rows
    )
    return replace(plan, rows=rows)
