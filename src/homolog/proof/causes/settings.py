"""Settings in which corresponding layers differ: which kind of cause each is, and whether it makes the difference.

A setting that a layer reads whenever it runs is given the other side's value for a moment: if the two layers then
agree, it was that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from homolog import rules
from homolog.graph import Graph
from homolog.live import Live
from homolog.matching import carry
from homolog.matching.differences import ACTIVATIONS
from homolog.plan import Carried, Difference, Plan
from homolog.proof.cause import Cause, Mend
from homolog.proof.localise import Compared, compare_layers
from homolog.proof.samples import inputs_for
from homolog.proof.subjects import Subjects, Tolerance

MOST = 6
"""Differences that are named as causes; all of them are tried, and listed."""

Change = tuple[Live, Carried]
"""A setting that can be changed in one of the two networks, and how."""

KIND_OF = {
    "eps": "eps",
    "momentum": "momentum",
    "p": "dropout",
    "activation": "activation",
    "recurrent_activation": "activation",
    "preprocessing": "preprocessing",
    "padding": "padding",
    "pads": "padding",
    "padding_mode": "padding",
    "output_padding": "padding",
    "ceil_mode": "padding",
    "stride": "stride",
    "count_include_pad": "pooling",
    "pooling": "pooling",
    "mode": "interpolation",
    "align_corners": "interpolation",
    "antialias": "interpolation",
    "interpolation": "interpolation",
    "training": "training mode",
    "train": "dropout",
}
"""What kind of cause a setting is; every other is ``setting``, or of an activation ``activation``."""


def causes(subjects: Subjects, differences: Sequence[Difference], mend: Mend) -> list[Cause]:
    """One cause for each of the first differences, with what came of trying all of them at once: every layer is fed
    what the first network feeds its own, so that each is judged by itself.

    Args:
        subjects: the networks.
        differences: the settings.
        mend: what carries them over.
    """
    changes = [_carried(subjects, item) for item in differences]
    found = [change for change in changes if change is not None]
    pairs, together = _tried(subjects, found) if found else [], len(found)
    return [
        _cause(subjects, item, change, pairs, together, mend)
        for item, change in list(zip(differences, changes, strict=True))[:MOST]
    ]


def of_training(subjects: Subjects, differences: Sequence[Difference]) -> list[Cause]:
    """The same for settings that matter in training alone: there nothing is tried."""
    return [
        Cause(kind, item.source, item.target, _in_words(kind, item), "", _set_by_hand(item))
        for item in differences
        for kind in [kind_of(subjects, item)]
    ]


def kind_of(subjects: Subjects, item: Difference) -> str:
    """The kind of cause that a difference is."""
    if "softmax" in (item.source_value, item.target_value):
        return "softmax"
    nodes = (subjects.graph_a.nodes.get(item.source), subjects.graph_b.nodes.get(item.target))
    kinds = {node.kind for node in nodes if node is not None}
    if kinds & {"rescaling", "normalization"}:
        return "preprocessing"
    if any("pool" in kind for kind in kinds) and item.setting not in ("stride", "padding", "kernel_size"):
        return "pooling"
    if any("pad" in kind for kind in kinds):
        return "padding"
    if item.setting in KIND_OF:
        return KIND_OF[item.setting]
    return "activation" if kinds & ACTIVATIONS else "setting"


def _cause(
    subjects: Subjects, item: Difference, change: Change | None, pairs: Sequence[Compared], together: int, mend: Mend
) -> Cause:
    kind = kind_of(subjects, item)
    words = _in_words(kind, item)
    if change is None:
        return Cause(kind, item.source, item.target, words, "", _set_by_hand(item))
    live, changed = change
    second = live is subjects.b
    tried = _outcome(
        item, f"{changed.setting}={changed.after!r} in the {'second' if second else 'first'}", pairs, together
    )
    place = f"in {item.target}: {mend.carry}" if second else f"in {item.source}"
    return Cause(kind, item.source, item.target, words, tried, f"set {changed.setting}={changed.after!r} {place}")


def _in_words(kind: str, item: Difference) -> str:
    return f"{kind}: {item}" if kind != item.setting else str(item)


def _set_by_hand(item: Difference) -> str:
    if item.setting in ("activation", "preprocessing"):
        return f"put {item.source_value} where the other has {item.target_value}: at {item.target}"
    return f"make {item.target} with {item.setting} as {item.source} has it: {item.source_value}"


def _carried(subjects: Subjects, item: Difference) -> Change | None:
    """The one network in which the setting can be changed, and how; the second if it can be either."""
    alone = replace(subjects.plan, differences=(item,), carried=(), training=())
    _, plan = carry(subjects.graph_a, subjects.graph_b, alone)
    for changed in plan.carried:
        if _is_of(changed, item, subjects.graph_b):
            return subjects.b, changed
    turned = Difference(item.target, item.source, item.setting, item.target_value, item.source_value)
    pairs = tuple((two, one) for one, two in subjects.plan.pairs)
    back = Plan((), pairs, differences=(turned,))
    _, plan = carry(subjects.graph_b, subjects.graph_a, back)
    for changed in plan.carried:
        if _is_of(changed, turned, subjects.graph_a):
            return subjects.a, changed
    return None


def _is_of(changed: Carried, item: Difference, graph: Graph) -> bool:
    """Whether it is this very setting: of the same layers, what matters in training alone is carried as well."""
    node = graph.nodes.get(item.target)
    rule = None if node is None else rules.for_kind(node.kind)
    fields = () if rule is None else rule.fields
    names = {name for field in fields if field.name == item.setting for name in (field.name, field.keras)}
    return (changed.source, changed.target) == (item.source, item.target) and changed.setting in names


def _tried(subjects: Subjects, changes: Sequence[Change]) -> list[Compared]:
    """Every pair of layers, compared with all of these settings alike."""
    with ExitStack() as stack:
        for live in (subjects.a, subjects.b):
            stack.enter_context(_set(live, [changed for one, changed in changes if one is live]))
        return list(compare_layers(subjects, inputs_for(subjects, batch=1, seed=0), Tolerance()))


def _outcome(item: Difference, value: str, pairs: Sequence[Compared], together: int) -> str:
    """What became of two layers, and of all, in words; empty where nothing can be observed."""
    if not pairs:
        return ""
    wrong = [pair for pair in pairs if not pair.agrees]
    if not wrong:
        alone = together == 1
        return f"tried: with {value}{'' if alone else f', and so for all {together} settings,'} every layer agrees"
    reached = next((pair for pair in pairs if (pair.one.name, pair.two.name) == (item.source, item.target)), None)
    if reached is not None and reached.agrees:
        return f"tried: with {value} these two agree, to {reached.apart:.1e}; others still differ"
    return f"tried: with {value} they still differ: it is not the only cause"


@contextmanager
def _set(live: Live, changes: Sequence[Carried]) -> Iterator[None]:
    live.carry(changes)
    try:
        yield
    finally:
        live.carry([replace(changed, before=changed.after, after=changed.before) for changed in changes])
