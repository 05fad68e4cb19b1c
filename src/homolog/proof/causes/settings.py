"""Settings in which corresponding layers differ: which kind of cause each is, and whether it makes the difference.

A setting that a layer reads whenever it runs is given the other side's value for a moment: if the two layers then
agree, it was that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from homolog import rules
from homolog.graph import Graph
from homolog.live import Live
from homolog.matching import carry
from homolog.matching.differences import ACTIVATIONS
from homolog.plan import Carried, Difference, Plan
from homolog.proof.cause import Cause, Mend
from homolog.proof.localise import compare_layers
from homolog.proof.samples import inputs_for
from homolog.proof.subjects import Subjects, Tolerance

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
    """One cause for every difference, with what came of trying it."""
    return [_cause(subjects, item, mend) for item in differences]


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


def _cause(subjects: Subjects, item: Difference, mend: Mend) -> Cause:
    kind = kind_of(subjects, item)
    words = _in_words(kind, item)
    carried = _carried(subjects, item)
    if carried is None:
        return Cause(kind, item.source, item.target, words, "", _set_by_hand(item))
    live, changed, side = carried
    tried = _tried(subjects, item, live, changed, side)
    if side == "second":
        line = f"set {changed.setting}={changed.after!r} in {item.target}: {mend.carry}"
        return Cause(kind, item.source, item.target, words, tried, line)
    line = f"set {changed.setting}={changed.after!r} in {item.source}"
    return Cause(kind, item.source, item.target, words, tried, line)


def _in_words(kind: str, item: Difference) -> str:
    return f"{kind}: {item}" if kind != item.setting else str(item)


def _set_by_hand(item: Difference) -> str:
    if item.setting in ("activation", "preprocessing"):
        return f"put {item.source_value} where the other has {item.target_value}: at {item.target}"
    return f"make {item.target} with {item.setting} as {item.source} has it: {item.source_value}"


def _carried(subjects: Subjects, item: Difference) -> tuple[Live, Carried, str] | None:
    """The one network in which the setting can be changed, and how; the second if it can be either."""
    alone = replace(subjects.plan, differences=(item,), carried=(), training=())
    _, plan = carry(subjects.graph_a, subjects.graph_b, alone)
    for changed in plan.carried:
        if _is_of(changed, item, subjects.graph_b):
            return subjects.b, changed, "second"
    turned = Difference(item.target, item.source, item.setting, item.target_value, item.source_value)
    pairs = tuple((two, one) for one, two in subjects.plan.pairs)
    back = Plan((), pairs, differences=(turned,))
    _, plan = carry(subjects.graph_b, subjects.graph_a, back)
    for changed in plan.carried:
        if _is_of(changed, turned, subjects.graph_a):
            return subjects.a, changed, "first"
    return None


def _is_of(changed: Carried, item: Difference, graph: Graph) -> bool:
    """Whether it is this very setting: of the same layers, what matters in training alone is carried as well."""
    node = graph.nodes.get(item.target)
    rule = None if node is None else rules.for_kind(node.kind)
    fields = () if rule is None else rule.fields
    names = {name for field in fields if field.name == item.setting for name in (field.name, field.keras)}
    return (changed.source, changed.target) == (item.source, item.target) and changed.setting in names


def _tried(subjects: Subjects, item: Difference, live: Live, changed: Carried, side: str) -> str:
    """What became of the two layers with the setting alike."""
    with _set(live, changed):
        inputs = inputs_for(subjects, batch=2, seed=0)
        pairs = list(compare_layers(subjects, inputs, Tolerance()))
    reached = next((pair for pair in pairs if (pair.one.name, pair.two.name) == (item.source, item.target)), None)
    wrong = [pair for pair in pairs if not pair.agrees]
    value = f"tried: with {changed.setting}={changed.after!r} in the {side}"
    if not pairs:
        return ""  # nothing can be observed
    if not wrong:
        return f"{value} every layer agrees"
    if reached is not None and reached.agrees:
        return f"{value} these two agree, to {reached.apart:.1e}; others still differ"
    return f"{value} they still differ: it is not the only cause"


@contextmanager
def _set(live: Live, changed: Carried) -> Iterator[None]:
    live.carry([changed])
    try:
        yield
    finally:
        live.carry([replace(changed, before=changed.after, after=changed.before)])
