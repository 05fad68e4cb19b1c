"""Activations and settings of corresponding layers, compared on graphs made by hand."""

from __future__ import annotations

import pytest

from builds import Build
from homolog.graph import Graph
from homolog.matching.differences import differences
from homolog.plan import Difference


def graph(prefix: str, *kinds: str) -> Graph:
    """a → the kinds → b."""
    build = Build(prefix)
    x = build.linear("a", build.input())
    for index, kind in enumerate(kinds):
        x = build.op(f"op{index}", kind, x)
    return build.graph(build.linear("b", x))


def found(one: Graph, two: Graph) -> list[tuple[object, object]]:
    pairs = [(name, f"x.{name}") for name in ("a", "b")]
    return [(item.source_value, item.target_value) for item in differences(one, two, pairs)]


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (["relu"], ["relu"], []),
        (["relu"], ["tanh"], [("relu", "tanh")]),
        (["relu"], [], [("relu", "none")]),
        ([], ["silu"], [("none", "silu")]),
        (["relu", "tanh"], ["relu"], [("tanh", "none")]),
        (["relu", "dropout", "flatten"], ["identity", "relu"], []),
        (["max_pool2d", "relu"], ["relu", "max_pool2d"], []),  # the same function
        (["avg_pool2d", "relu"], ["relu", "avg_pool2d"], [("none", "relu")]),  # another
        (["pytorch:something"], ["relu"], []),  # not certain: running decides
        (["multiply"], ["silu"], []),
    ],
)
def test_activations_behind_a_layer(ours: list[str], theirs: list[str], expected: list[tuple[str, str]]) -> None:
    assert found(graph("", *ours), graph("x.", *theirs)) == expected


def test_an_activation_written_out_in_arithmetic_is_not_judged() -> None:
    build = Build("")
    x = build.linear("a", build.input())
    product = build.op("product", "multiply", x, build.op("gate", "sigmoid", x))
    written_out = build.graph(build.linear("b", product))

    assert found(written_out, graph("x.", "silu")) == []
    assert found(graph("", "tanh"), graph("x.", "tanh")) == []


def test_the_end_of_the_network_is_an_end() -> None:
    one, two = Build(""), Build("x.")
    first = one.graph(one.linear("a", one.input()))
    x = two.linear("a", two.input())
    second = two.graph(two.op("softmax", "softmax", x))

    assert differences(first, second, [("a", "x.a")]) == (
        Difference("a", "x.softmax", "activation", "none", "softmax"),
    )
