"""The made-up graphs that matching is timed on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from bench.matching import residual, transformer

from homolog.graph import Framework, Graph
from homolog.matching import match


@pytest.mark.parametrize("make", [residual, transformer])
def test_both_clothes_are_the_same_network(make: Callable[[Framework, int, int], Graph]) -> None:
    a, b = make("pytorch", 120, 1), make("keras", 120, 2)
    assert len(a.tensors()) == len(b.tensors()) >= 120
    assert not set(a.tensors()) & set(b.tensors())
    assert not set(a.nodes) & set(b.nodes)
    plan = match(a, b)
    place = {name: index for index, name in enumerate(a.tensors())}
    assert [place[row.sources[0]] for row in plan.rows] == list(range(len(plan.rows)))
