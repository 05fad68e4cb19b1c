"""What is written out with bare parameters takes the form of layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from homolog.graph import Graph
from homolog.passes import normalise
from homolog.pytorch.read import read


def exported(module: Any, *inputs: np.ndarray) -> Graph:
    return normalise(read(module.eval(), inputs))


def test_products_and_slices_of_parameters_are_dense_layers() -> None:
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.packed = torch.nn.Parameter(torch.randn(7, 5))
            self.shift = torch.nn.Parameter(torch.randn(3))
            self.turned = torch.nn.Parameter(torch.randn(5, 2))

        def forward(self, x: Any) -> Any:
            first, second = self.packed.split([3, 4])
            return (
                torch.nn.functional.linear(x, first, self.shift),
                torch.nn.functional.linear(x, second),
                x @ self.turned,
            )

    graph = exported(Net(), np.zeros((2, 5), np.float32))
    dense = [node for node in graph.nodes.values() if node.kind == "linear"]
    assert [node.weights["weight"].shape for node in dense] == [(3, 5), (4, 5), (2, 5)]
    assert [str(step) for step in dense[1].weights["weight"].layout] == ["part 3:7 of axis 0"]
    assert [set(node.weights) for node in dense] == [{"weight", "bias"}, {"weight"}, {"weight"}]
    assert not [node for node in graph.nodes.values() if node.kind == "parameter"]


def test_the_transpose_of_a_parameter_is_a_layout_however_it_is_written() -> None:
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Parameter(torch.randn(7, 5))
            self.shift = torch.nn.Parameter(torch.randn(7))
            self.second = torch.nn.Parameter(torch.randn(3, 7))

        def forward(self, x: Any) -> Any:
            return (x @ self.first.T + self.shift) @ self.second.mT

    dense = [node for node in exported(Net(), np.zeros((2, 5), np.float32)).nodes.values() if node.kind == "linear"]
    assert [node.weights["weight"].shape for node in dense] == [(7, 5), (3, 7)]
    assert [set(node.weights) for node in dense] == [{"weight", "bias"}, {"weight"}]


def test_a_table_that_no_input_chooses_from_is_a_parameter() -> None:
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = torch.nn.Embedding(11, 4)
            self.places = torch.nn.Embedding(6, 4)
            self.token = torch.nn.Parameter(torch.randn(1, 1, 4))

        def forward(self, ids: Any) -> Any:
            return self.words(ids) + self.places(torch.arange(ids.shape[1])) * self.token

    graph = exported(Net(), np.zeros((2, 6), np.int64))
    kinds = {ref.name: (node.kind, weight.shape) for node, _, weight in graph.weights() for ref in weight.tensors}
    assert kinds == {
        "words.weight": ("embedding", (11, 4)),
        "places.weight": ("parameter", (6, 4)),
        "token": ("parameter", (4,)),  # axes of length one say how it is broadcast, not how it is stored
    }
