"""In which order two networks take their inputs and give their outputs, where it is not the same, in words."""

from __future__ import annotations

from collections.abc import Iterator

from homolog.graph import Framework, Node
from homolog.passes.layout import Labels, labels_at
from homolog.proof.subjects import Subjects
from homolog.reading import customary


def layouts(subjects: Subjects) -> Iterator[str]:
    """A line for each input and output whose axes stand in another order in the second network."""
    a, b = subjects.graph_a, subjects.graph_b
    for one, two in zip(a.inputs, b.inputs, strict=False):
        have, want = _usual(one, two, a.framework), _usual(two, one, b.framework)
        yield from _line("input", one.name, two.name, have, want)
    if len(a.outputs) == len(b.outputs):
        for place, (ours, theirs) in enumerate(zip(a.outputs, b.outputs, strict=True)):
            have = labels_at(a.nodes[ours.node], ours.index)
            want = labels_at(b.nodes[theirs.node], theirs.index)
            yield from _line(f"output {place}", ours.node, theirs.node, have, want)


def _usual(node: Node, other: Node, framework: Framework) -> Labels | None:
    own, across = labels_at(node), labels_at(other)
    return own if across is None else customary(across, node, framework)


def _line(what: str, first: str, second: str, have: Labels | None, want: Labels | None) -> Iterator[str]:
    ours, theirs = _words(have), _words(want)
    if ours and theirs and ours != theirs and sorted(ours.split()) == sorted(theirs.split()):
        yield f"{what}: {ours} in {first}, {theirs} in {second}"


def _words(labels: Labels | None) -> str:
    """``n c h w``, merged axes in brackets; empty where they are unknown."""
    names = [" ".join(name for name, _ in label) for label in labels or ()]
    return " ".join(f"({name})" if " " in name else name for name in names)
