"""What names tell, where the graph does not: the last resort before the order in which layers come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from homolog.graph import Graph

ROLES = {"q": 0, "query": 0, "k": 1, "key": 1, "v": 2, "value": 2}
"""Words for the three projections of an attention, in the order in which they are packed."""
CLEAR = 0.1
"""By how much the nearest name must be nearer than the next."""


def nearest(name: str, ours: Sequence[str], theirs: Sequence[str]) -> str | None:
    """The one of their names that means the same as this one of ours; None if that is not clear.

    It is clear where the two are each other's best, by a distance, among all that are in question.
    """
    scores = sorted(((likeness(name, other), other) for other in theirs), reverse=True)
    best, other = scores[0]
    rivals = [score for score, _ in scores[1:]] + [likeness(one, other) for one in ours if one != name]
    return other if best - max(rivals, default=0.0) >= CLEAR else None


def likeness(one: str, other: str) -> float:
    """How alike two names are, from 0 to 1, by their words; numbers do not count, they are given by order."""
    first, second = words(one), words(other)
    roles = [{ROLES[word] for word in side if word in ROLES} for side in (first, second)]
    if roles[0] and roles[1]:
        return 1.0 if roles[0] == roles[1] else 0.0
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def words(name: str) -> list[str]:
    """``block_1.attn.q_proj`` → ``["block", "attn", "q", "proj"]``."""
    return [word.lower() for word in re.findall(r"[A-Za-z][a-z]*", name)]


def in_role_order(graph: Graph, names: Sequence[str]) -> list[str]:
    """Projections in the order query, key, value, as the attention behind them or their names tell; or as they are."""
    roles = ("query", "key", "value")
    told = [graph.nodes[name].fields.get("role") for name in names]
    if len(set(told)) == len(names) and all(role in roles for role in told):
        return [name for _, name in sorted(zip((roles.index(str(role)) for role in told), names, strict=True))]
    named = [next((ROLES[word] for word in reversed(words(name)) if word in ROLES), None) for name in names]
    if None not in named and len(set(named)) == len(names):
        return [name for _, name in sorted(zip((place for place in named if place is not None), names, strict=True))]
    return list(names)
