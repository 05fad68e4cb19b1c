"""Trees of modules, live or pickled: what they say of a network by themselves."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from homolog.errors import Unsupported
from homolog.graph import BARE, Value
from homolog.modules import Module
from homolog.passes import normalise
from homolog.pytorch.read import tree_of
from homolog.pytorch.tree import is_chain, read_state, read_tree
from homolog.tensors import array_ref


def test_nested_sequentials_are_a_chain() -> None:
    from torch import nn

    model = nn.Sequential(
        OrderedDict(
            features=nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.BatchNorm2d(4), nn.ReLU())),
            head=nn.Sequential(nn.Flatten(), nn.Linear(4 * 5 * 3, 2)),
        )
    )
    graph = normalise(read_tree(tree_of(model), (2, 3, 7, 5)))
    assert [(node.name, node.kind) for node in graph.nodes.values()] == [
        ("input", "input"),
        ("features.0", "conv2d"),
        ("features.1.0", "batch_norm"),
        ("features.1.1", "relu"),
        ("head.0", "flatten"),
        ("head.1", "linear"),
    ]
    assert graph.nodes["head.1"].shapes == ((2, 2),)
    assert graph.nodes["features.1.0"].scope == ("features", "1")
    assert graph.outputs == (Value("head.1"),)
    assert [ref.name for node in graph.nodes.values() for ref in node.ignored] == ["features.1.0.num_batches_tracked"]


def test_a_layer_alone_is_a_chain() -> None:
    from torch import nn

    graph = read_tree(tree_of(nn.Linear(3, 2)))
    assert [(node.name, node.kind, node.layer) for node in graph.nodes.values()] == [
        ("input", "input", None),
        ("linear", "linear", ""),
    ]


def test_a_child_named_input_is_not_the_input() -> None:
    from torch import nn

    graph = read_tree(tree_of(nn.Sequential(OrderedDict(input=nn.Linear(3, 2)))))
    assert [node.kind for node in graph.nodes.values()] == ["input", "linear"]
    assert graph.nodes["input"].inputs == (Value("input."),)


def test_without_a_shape_nothing_is_inferred() -> None:
    from torch import nn

    graph = normalise(read_tree(tree_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(60, 2)))))
    assert [node.shapes for node in graph.nodes.values()] == [(), (), (), ()]


def test_a_class_of_the_users_own_is_not_wired() -> None:
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.second = nn.Linear(4, 2)
            self.first = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
            self.scale = nn.Parameter(nn.init.ones_(self.second.bias.detach().clone()))

        def forward(self, x: Any) -> Any:
            return self.second(self.first(x)) * self.scale

    tree = tree_of(Net())
    assert not is_chain(tree)
    graph = read_tree(tree)
    assert not graph.wired
    assert [(node.name, node.kind) for node in graph.nodes.values()] == [
        ("net", "pytorch:Net"),
        ("second", "linear"),
        ("first.0", "linear"),
    ]
    assert set(graph.tensors()) == set(Net().state_dict())
    assert normalise(graph) == graph


def test_a_subclass_of_a_known_layer_is_not_taken_for_it() -> None:
    from torch import nn

    class Linear(nn.Linear):
        def forward(self, x: Any) -> Any:
            return super().forward(x) * 2

    assert not is_chain(tree_of(nn.Sequential(Linear(3, 2))))


def test_a_tensor_that_the_rule_does_not_know_is_refused() -> None:
    ref = array_ref("extra", np.zeros(3, np.float32))
    module = Module("0", "torch.nn.modules.linear.Linear", {}, {"extra": ref})
    with pytest.raises(Unsupported, match="a Linear with tensors that its rule does not know") as caught:
        read_tree(module)
    assert (caught.value.where, caught.value.found) == ("Linear 0", "extra")


def test_a_state_dict_is_grouped_by_layer() -> None:
    names = ("conv.weight", "conv.bias", "bn.weight", "bn.num_batches_tracked", "token")
    graph = read_state({name: array_ref(name, np.zeros(2, np.float32)) for name in names})
    assert not graph.wired
    assert [(node.name, node.kind, list(node.weights)) for node in graph.nodes.values()] == [
        ("conv", BARE, ["weight", "bias"]),
        ("bn", BARE, ["weight"]),
        ("", BARE, ["token"]),
    ]
    assert [ref.name for ref in graph.nodes["bn"].ignored] == ["bn.num_batches_tracked"]
