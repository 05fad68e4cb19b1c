"""One function has one kind."""

from __future__ import annotations

import numpy as np
import pytest

from homolog.graph import Graph, Value
from homolog.opening import open_network


def graph_of(layers: str, shape: tuple[int, ...] = (2, 4, 8, 6)) -> Graph:
    from torch import nn

    model = nn.Sequential(*eval(f"({layers},)", dict(vars(nn))))
    return open_network(model.eval()).graph([np.zeros(shape, np.float32)])


@pytest.mark.parametrize(
    ("layers", "kinds"),
    [
        ("ReLU6()", ["relu"]),
        ("Hardtanh(0, 6)", ["relu"]),
        ("Hardtanh(-1, 6)", ["hard_tanh"]),
        ("CELU(1.0)", ["elu"]),
        ("CELU(0.5)", ["celu"]),
        ("AdaptiveAvgPool2d((4, 3))", ["avg_pool2d"]),
        ("AdaptiveAvgPool2d((5, 3))", ["adaptive_avg_pool2d"]),
        ("AdaptiveAvgPool2d((1, None))", ["avg_pool2d"]),
        ("AdaptiveMaxPool2d(1)", ["global_max_pool2d"]),
        ("AdaptiveMaxPool2d(1), Flatten()", ["global_max_pool2d"]),
        ("AdaptiveMaxPool2d(1), Flatten(2)", ["global_max_pool2d", "flatten"]),
        ("AdaptiveMaxPool2d(1), ReLU(), Flatten()", ["global_max_pool2d", "relu", "flatten"]),
    ],
)
def test_kinds(layers: str, kinds: list[str]) -> None:
    assert [node.kind for node in graph_of(layers).nodes.values()][1:] == kinds


def test_a_pool_and_its_flatten_are_heard_where_the_flatten_is() -> None:
    graph = graph_of("AdaptiveAvgPool2d(1), Flatten(), Linear(4, 3)")
    pool = graph.nodes["1"]
    assert (pool.layer, pool.type, pool.fields["keepdims"]) == ("1", "AdaptiveAvgPool2d", False)
    assert pool.shapes == ((None, 4),)
    assert graph.nodes["2"].inputs == (Value("1"),)


def test_a_pool_that_others_read_too_keeps_its_axes() -> None:
    import keras

    entry = keras.Input((8, 6, 4))
    pooled = keras.layers.GlobalAveragePooling2D(keepdims=True)(entry)
    graph = open_network(keras.Model(entry, [keras.layers.Flatten()(pooled), pooled])).graph()
    assert [node.kind for node in graph.nodes.values()] == ["input", "global_avg_pool2d", "flatten"]
