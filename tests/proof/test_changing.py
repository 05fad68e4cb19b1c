"""Outputs that change with the input by more than float32 tells, by less, and not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from homolog.graph import Graph
from homolog.live import Run
from homolog.plan import Plan
from homolog.proof.outputs import check
from homolog.proof.part import Part
from homolog.proof.subjects import Subjects, Tolerance
from proof.test_outputs import GRAPH, Array, Function

FAINTLY = 3e-8
"""Too little beside 3 for float32, whose next number is 2.4e-7 off."""


class Wide(Function):
    """One that runs in float64 too."""

    def exact(
        self, inputs: Mapping[str, Array], layers: Iterable[str] = (), instead: object = None, jitter: float = 0.0
    ) -> Run | None:
        (array,) = inputs.values()
        return Run(tuple(self.function(array.astype(np.float64))))


def faint(share: float = FAINTLY, off: float = 0.0) -> Callable[[Array], list[Array]]:
    return lambda x: [(np.arange(3, 7) + share * (1 + off) * x).astype(x.dtype)]


def compared(one: Function, two: Function) -> Part:
    return check(Subjects(one, two, GRAPH, GRAPH, Plan(())), Tolerance())  # type: ignore[arg-type]


def test_what_float64_alone_tells_passes_and_is_said() -> None:
    part = compared(Wide(faint()), Wide(faint(off=1e-7)))

    assert part.passed
    (note,) = part.details
    assert note.startswith("output 0 changes with the input by ") and "in float64 the two change alike" in note


def test_where_one_runs_in_float32_alone_it_proves_nothing() -> None:
    for one, two in ((Wide, Function), (Function, Wide)):
        part = compared(one(faint()), two(faint()))
        assert not part.passed
        assert part.figure == "output 0 does not depend on the input, and so proves nothing"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (faint(), faint(off=1e-5)),  # as an eps of 1e-5 for 1e-6 makes
        (faint(), faint(share=0.0)),
        (faint(share=0.0), faint(share=0.0)),
        (faint(share=1e-15), faint(share=1e-15)),  # rounding
    ],
    ids=["not alike", "one alone", "neither", "rounding"],
)
def test_what_does_not_change_alike_in_float64_proves_nothing(one: Any, two: Any) -> None:
    part = compared(Wide(one), Wide(two))

    assert not part.passed
    assert "does not depend on the input" in part.figure


def test_one_output_that_is_faint_beside_one_that_is_not() -> None:
    def both(x: Array) -> list[Array]:
        return [x, *faint()(x)]

    part = compared(Wide(both), Wide(both))

    assert part.passed
    assert [detail.split(" by ")[0] for detail in part.details] == ["output 1 changes with the input"]
    still = compared(Wide(lambda x: [*both(x), x * 0 + 1]), Wide(lambda x: [*both(x), x * 0 + 1]))
    assert still.figure.startswith("output 2 does not depend on the input")


TWO = replace(GRAPH, outputs=(*GRAPH.outputs, *GRAPH.outputs))


def anchored(off: float = 0.0) -> Function:
    """One whose second output is a table for each row, all of it at one end of its range."""
    return Function(lambda x: [x, np.ones_like(x) + np.float32(off)])


def beside(one: Function, two: Function, *fixed: int, graph: Graph = TWO) -> Part:
    subjects = Subjects(one, two, graph, graph, Plan(()), fixed=frozenset(fixed))  # type: ignore[arg-type]
    return check(subjects, Tolerance())


def test_an_output_that_is_made_of_weights_alone_need_not_change() -> None:
    part = beside(anchored(), anchored(), 1)

    assert part.passed
    assert part.details == ("output 1 holds nothing of the input but its shape, as the source says",)
    assert beside(anchored(), anchored()).figure.startswith("output 1 does not depend on the input")


def test_such_an_output_is_compared_all_the_same() -> None:
    part = beside(anchored(), anchored(off=1e-4), 1)

    assert not part.passed
    assert "x what is allowed" in part.figure


def test_outputs_that_all_are_such_prove_nothing() -> None:
    one = Function(lambda x: [np.ones_like(x), np.arange(3, 7) + np.zeros_like(x)])

    assert beside(one, one, 0, 1).figure == "output 0, 1 does not depend on the input, and so proves nothing"


def test_where_not_all_outputs_are_compared_none_is_taken_for_such() -> None:
    three = replace(GRAPH, outputs=GRAPH.outputs * 3)

    assert not beside(anchored(), anchored(), 1, graph=three).passed
