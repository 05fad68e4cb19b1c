"""The graphs of a source and of what was written of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import homolog
from homolog.emitting.graphs import graphs
from homolog.keras.emitting.assemble import assemble
from homolog.proof.localise import check_layers
from homolog.proof.subjects import Tolerance
from homolog.pytorch.program import trace


def test_every_step_is_in_both_with_its_own_order_of_axes() -> None:
    found = trace(nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU()).eval(), [np.zeros((1, 3, 8, 9), np.float32)])
    left, right = graphs(found, assemble(found))
    assert [node.kind for node in left.nodes.values()] == [node.kind for node in right.nodes.values()]
    assert left.nodes["0"].shapes == ((None, 5, 6, 7),)
    layer = next(node for node in right.nodes.values() if node.kind == "conv2d")
    assert (layer.name, layer.shapes) == ("_0", ((None, 6, 7, 5),))
    (ours,), (theirs,) = left.nodes["0"].labels, layer.labels
    assert [part[0][0] for part in ours or ()] == ["n", "c", "h", "w"]
    assert [part[0][0] for part in theirs or ()] == ["n", "h", "w", "c"]
    assert [len(graph.outputs) for graph in (left, right)] == [1, 1]


def translated() -> Any:
    import keras
    from keras import layers

    entry = keras.Input((8, 10, 3))
    value = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(entry)
    value = layers.BatchNormalization(name="norm")(value)
    value = layers.Conv2D(5, 3, strides=2, name="second")(value)
    value = layers.LayerNormalization(axis=[1, 3], name="over")(value)
    return homolog.translate(keras.Model(entry, layers.Dense(7, activation="tanh", name="last")(value)), to="torch")


def test_layers_of_keras_are_compared_where_the_live_model_has_them_and_as_it_turns_them() -> None:
    part = check_layers(translated().subjects, Tolerance())
    assert part.passed, str(part.details)
    names = ["first", "norm", "second", "over", "last"]
    assert [detail.split()[1] for detail in part.details] == names


@pytest.mark.parametrize("wrong", ["first", "norm", "second", "over", "last"])
def test_the_layer_that_differs_is_the_one_that_is_named(wrong: str) -> None:
    made = translated()
    layer = made.origin.live.model.get_layer(wrong)
    layer.set_weights([array + np.float32(0.1) for array in layer.get_weights()])
    part = check_layers(made.subjects, Tolerance())
    assert [detail.split()[1] for detail in part.details if detail.startswith("DIFFER")] == [wrong]


class NormAct(nn.GroupNorm):
    """A norm and its activation in one, as timm has them."""

    def __init__(self, groups: int, width: int) -> None:
        super().__init__(groups, width)
        self.act = nn.SiLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(nn.functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps))


def test_a_module_that_goes_on_with_what_its_layer_gives_is_not_compared_with_the_layer() -> None:
    module = nn.Sequential(nn.Conv2d(3, 6, 3), NormAct(2, 6), nn.Conv2d(6, 4, 3, stride=2)).eval()
    made = homolog.translate(module, "keras", inputs=[(2, 3, 9, 11)])
    assert made.proof.passed
    assert {name: made.subjects.graph_a.nodes[name].layer for name in "012"} == {"0": "0", "1": None, "2": "2"}
    part = check_layers(made.subjects, Tolerance())
    assert part.passed, str(part.details)
    assert [detail.split()[1] for detail in part.details] == ["0", "2"]


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_stack_of_recurrent_layers_is_compared_as_a_whole(bidirectional: bool) -> None:
    module = nn.GRU(5, 7, num_layers=2, bidirectional=bidirectional, batch_first=True)
    made = homolog.translate(module.eval(), "keras", inputs=[(2, 6, 5)], tolerance=Tolerance(1e-30, 0.0))

    assert [part.name for part in made.proof.parts if not part.passed] == ["outputs"]
    assert {a for a, _ in made.subjects.plan.pairs} <= set(made.subjects.graph_a.nodes)
    assert len(made.plan.pairs) == (4 if bidirectional else 2)
