"""Padding that stands alone goes into the layer behind it, where that layer would do the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.graph import Graph
from homolog.opening import open_network


def graph_of(forward: str, *layers: str) -> Graph:
    """The graph of a module whose forward is an expression over ``x``, ``F``, and layers ``a``, ``b`` …"""
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, layer in zip("abc", layers, strict=False):
                setattr(self, name, eval(layer, dict(vars(nn))))

        def forward(self, x: Any) -> Any:
            return eval(forward, {"F": nn.functional, **self._modules}, {"x": x})

    return open_network(Net().eval()).graph([np.zeros((2, 4, 9, 7), np.float32)])


def kinds(graph: Graph) -> list[str]:
    return [node.kind for node in graph.nodes.values()]


CONV = "Conv2d(4, 6, 3, padding=(1, 0))"


def test_zeros_in_front_of_a_convolution_are_its_padding() -> None:
    graph = graph_of("a(F.pad(x, (1, 2, 0, 3)))", CONV)
    assert kinds(graph) == ["input", "conv2d"]
    conv = graph.nodes["a"]
    assert conv.fields["padding"] == ((1, 4), (1, 2))
    assert [value.node for value in conv.inputs] == ["x"]
    assert conv.shapes == ((None, 6, 12, 8),)


def test_padding_of_the_last_axis_alone() -> None:
    assert graph_of("a(F.pad(x, (1, 2)))", CONV).nodes["a"].fields["padding"] == ((1, 1), (1, 2))


def test_every_convolution_that_reads_the_padding_takes_it() -> None:
    graph = graph_of("(lambda y: a(y) + b(y))(F.pad(x, (1, 1, 1, 1)))", CONV, "Conv2d(4, 6, 3, padding=(1, 0))")
    assert kinds(graph) == ["input", "conv2d", "conv2d", "add"]
    assert {str(node.fields["padding"]) for node in graph.nodes.values() if node.kind == "conv2d"} == {
        "((2, 2), (1, 1))"
    }


def test_padding_on_padding() -> None:
    graph = graph_of("a(F.pad(F.pad(x, (1, 0, 0, 0)), (0, 2, 0, 0)))", CONV)
    assert kinds(graph) == ["input", "conv2d"]
    assert graph.nodes["a"].fields["padding"] == ((1, 1), (1, 2))


@pytest.mark.parametrize(
    ("forward", "layer"),
    [
        ("a(F.pad(x, (1, 1, 1, 1), value=0.5))", CONV),
        ("a(F.pad(x, (1, 1, 1, 1), mode='reflect'))", CONV),
        ("a(F.pad(x, (1, -1, 1, 1)))", CONV),
        ("a(F.pad(x, (1, 1, 1, 1)))", "ConvTranspose2d(4, 6, 3)"),
        ("a(F.pad(x, (1, 1, 1, 1)))", "MaxPool2d(2)"),
        ("a(F.pad(F.leaky_relu(x), (1, 1, 1, 1)))", "MaxPool2d(2)"),
        ("a(F.pad(F.relu(x), (1, 1, 1, 1)))", "MaxPool2d(3, padding=1)"),
        ("a(F.pad(x, (1, 1, 1, 1)))", "AvgPool2d(3, padding=1)"),
        ("(lambda y: (a(y), y))(F.pad(x, (1, 1, 1, 1)))", CONV),
        ("(lambda y: (a(y), y * y))(F.pad(x, (1, 1, 1, 1)))", CONV),
    ],
)
def test_padding_stays_where_it_is_another_function(forward: str, layer: str) -> None:
    assert "pad" in kinds(graph_of(forward, layer))


@pytest.mark.parametrize("before", ["relu", "sigmoid", "relu6"])
def test_zeros_in_front_of_a_maximum_are_its_padding_where_nothing_is_negative(before: str) -> None:
    graph = graph_of(f"a(F.pad(F.{before}(x), (1, 0, 0, 1)))", "MaxPool2d(3, 2)")
    assert "pad" not in kinds(graph)
    assert graph.nodes["a"].fields["padding"] == ((0, 1), (1, 0))


def test_zeros_in_front_of_an_average_are_counted() -> None:
    graph = graph_of("a(F.pad(x, (1, 1, 1, 1)))", "AvgPool2d(3, 2, count_include_pad=False)")
    assert "pad" not in kinds(graph)
    assert graph.nodes["a"].fields["count_include_pad"] is True


def test_same_padding_of_an_unknown_length_is_not_added_to() -> None:
    import keras

    layers = keras.layers
    entry = keras.Input((None, None, 4))
    value = layers.Conv2D(6, 3, 2, padding="same")(layers.ZeroPadding2D(1)(entry))
    assert kinds(open_network(keras.Model(entry, value)).graph()) == ["input", "pad", "conv2d"]
