"""A run of both networks, on functions in place of models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from homolog.graph import Graph, Node, Value
from homolog.plan import Plan
from homolog.proof.subjects import Subjects
from homolog.proof.trial import tried
from proof.nets import Function

Array = np.ndarray[Any, Any]
GRAPH = Graph("pytorch", {"in": Node("in", "input", shapes=((None, 4),))}, (Value("in"),))


def test_a_pass_in_float64_is_made_when_it_is_asked_for_and_once() -> None:
    made: list[str] = []

    def counted(name: str, factor: float) -> Any:
        def run(x: Array) -> Sequence[Array]:
            made.append(name)
            return [x * factor]

        return run

    one = Function(counted("first", 2), counted("first in float64", 3))
    two = Function(counted("second", 2), None, "keras")
    trial = tried(Subjects(one, two, GRAPH, GRAPH, Plan(())), seed=5, batch=3)  # type: ignore[arg-type]

    assert made == ["first", "second"]
    assert trial.left.outputs[0].shape == (3, 4)
    for _ in range(2):
        assert trial.wide_left is not None
        np.testing.assert_allclose(trial.wide_left.outputs[0], trial.left.outputs[0] * 1.5, rtol=1e-6)
        assert trial.wide_right is None
    assert made == ["first", "second", "first in float64"]
