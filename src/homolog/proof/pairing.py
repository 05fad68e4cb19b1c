"""Which output of one network is which of the other's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homolog.graph import Graph
from homolog.live import Run
from homolog.passes.layout import Labels, labels_at
from homolog.proof.samples import arranged
from homolog.proof.subjects import Subjects
from homolog.tensors import Array


@dataclass(frozen=True)
class Paired:
    """Outputs that correspond, and what was not compared.

    Attributes:
        pairs: in the first's order, and with its order of axes.
        left: in words, what only one network gives.
    """

    pairs: tuple[tuple[Array, Array], ...]
    left: tuple[str, ...] = ()


def paired(subjects: Subjects, left: Run, right: Run) -> Paired:
    """Pair outputs: those whose nodes correspond by the plan, then those of the same shape, then in order."""
    places = _by_plan(subjects, left, right)
    first = [place for place in range(len(left.outputs)) if place not in places]
    second = [place for place in range(len(right.outputs)) if place not in places.values()]
    for place in tuple(first):
        shape = left.outputs[place].shape
        other = next((item for item in second if _turned(subjects, right, item, place).shape == shape), None)
        if other is not None:
            places[place] = other
            first.remove(place)
            second.remove(other)
    if not places or len(first) == len(second):  # of other shapes: whoever compares them says so
        places.update(zip(first, second, strict=False))
        first, second = first[len(second) :], second[len(first) :]
    pairs = [(left.outputs[place], _turned(subjects, right, places[place], place)) for place in sorted(places)]
    return Paired(tuple(pairs), (*_words("first", left, first), *_words("second", right, second)))


def _by_plan(subjects: Subjects, left: Run, right: Run) -> dict[int, int]:
    """Places of outputs whose nodes the plan pairs, where the graphs say as many outputs as the networks give."""
    ours, theirs = subjects.graph_a.outputs, subjects.graph_b.outputs
    if (len(ours), len(theirs)) != (len(left.outputs), len(right.outputs)):
        return {}
    partner = dict(subjects.plan.pairs)
    found: dict[int, int] = {}
    for place, value in enumerate(ours):
        for other, candidate in enumerate(theirs):
            same = partner.get(value.node) == candidate.node and value.index == candidate.index
            if same and other not in found.values():
                found[place] = other
                break
    return found


def _turned(subjects: Subjects, run: Run, place: int, other: int) -> Array:
    """An output of the second network with its axes in the order of one of the first."""
    return arranged(run.outputs[place], _labels(subjects.graph_b, place), _labels(subjects.graph_a, other))


def _labels(graph: Graph, place: int) -> Labels | None:
    if place >= len(graph.outputs):
        return None
    value = graph.outputs[place]
    return labels_at(graph.nodes[value.node], value.index)


def _words(which: str, run: Run, places: Sequence[int]) -> list[str]:
    names = run.names or [f"output {place}" for place in range(len(run.outputs))]
    lines = []
    for place in places:
        shape = ", ".join(("batch", *map(str, run.outputs[place].shape[1:])))
        lines.append(f"not compared: {names[place]} ({shape}), which only the {which} gives")
    return [*lines, *(f"not compared: {item} of the {which}" for item in run.left_out)]
