"""Which output is whose."""

from __future__ import annotations

from typing import Any

import numpy as np

from homolog.graph import Graph, Node, Value
from homolog.live import Run
from homolog.plan import Plan
from homolog.proof.pairing import paired
from homolog.proof.subjects import Subjects


def subjects(*pairs: tuple[str, str]) -> Subjects:
    """Networks of two outputs, ``a`` and ``b``, those of the second the other way round."""
    nodes = {name: Node(name, "relu") for name in "ab"}
    ours = Graph("pytorch", nodes, (Value("a"), Value("b")))
    theirs = Graph("keras", nodes, (Value("b"), Value("a")))
    live: Any = None
    return Subjects(live, live, ours, theirs, Plan((), pairs))


def run(*arrays: float | tuple[int, ...], **more: Any) -> Run:
    """Outputs: full of a number, or of a shape."""
    made = [np.zeros(item) if isinstance(item, tuple) else np.full((2, 3), item) for item in arrays]
    return Run(tuple(made), **more)


def test_the_plan_says_it() -> None:
    found = paired(subjects(("a", "a"), ("b", "b")), run(1, 2), run(2, 1))

    assert [(one.flat[0], two.flat[0]) for one, two in found.pairs] == [(1, 1), (2, 2)]
    assert found.left == ()


def test_then_the_shape_then_the_order() -> None:
    by_shape = paired(subjects(), run((2, 3), (2, 4)), run((2, 4), (2, 3)))
    by_order = paired(subjects(), run(1, 2), run(3, 4))
    neither = paired(subjects(), run((2, 3), (2, 4)), run((2, 5), (2, 6)))

    assert [one.shape for one, _ in by_shape.pairs] == [two.shape for _, two in by_shape.pairs] == [(2, 3), (2, 4)]
    assert [(one.flat[0], two.flat[0]) for one, two in by_order.pairs] == [(1, 3), (2, 4)]
    assert [two.shape for _, two in neither.pairs] == [(2, 5), (2, 6)]


def test_what_is_not_compared_is_said() -> None:
    left = run((2, 3), (2, 9), names=("state", "pooled"), left_out=("past_key_values (Cache)",))

    found = paired(subjects(), left, run((2, 3)))

    assert len(found.pairs) == 1
    assert found.left == (
        "not compared: pooled (batch, 9), which only the first gives",
        "not compared: past_key_values (Cache) of the first",
    )
