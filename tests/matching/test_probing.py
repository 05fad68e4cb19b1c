"""Ties that neither the graph nor the names decide: the settings, the values or a trial do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Mismatch


def torch_branches(order: str) -> Any:
    """Three branches of equal shapes, told apart by what is done with their outputs; ``order`` of registration."""
    import torch

    class Branches(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in order:
                setattr(self, name, torch.nn.Linear(5, 7))
            self.head = torch.nn.Linear(7, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            gate, shift, scale = torch.sigmoid(self.x(x)), torch.tanh(self.y(x)), torch.sin(self.z(x))
            return self.head(gate * shift + 0.25 * scale)

    torch.manual_seed(3)
    return Branches().eval()


def keras_branches(calls: str) -> Any:
    import keras

    entry = keras.Input((5,))
    layers = {name: keras.layers.Dense(7, name=f"layer_{name}") for name in "pqr"}
    made: dict[str, Any] = {}
    for name in calls:
        made[name] = layers[name](entry)
    gate, shift, scale = keras.ops.sigmoid(made["p"]), keras.ops.tanh(made["q"]), keras.ops.sin(made["r"])
    return keras.Model(entry, keras.layers.Dense(3, name="head")(gate * shift + 0.25 * scale))


@pytest.mark.parametrize("order", ["xyz", "zyx", "yzx"])
@pytest.mark.parametrize("calls", ["pqr", "rqp"])
def test_equal_branches_that_only_running_tells_apart_are_paired_right(order: str, calls: str) -> None:
    source, target = torch_branches(order), keras_branches(calls)
    copied = homolog.copy(source, into=target)
    copied.proof.raise_if_failed()
    weights = {row.sources[0]: row.target for row in copied.plan.rows}
    assert weights["x.weight"] == "layer_p/kernel"
    assert weights["y.weight"] == "layer_q/kernel"
    assert weights["z.weight"] == "layer_r/kernel"
    back = torch_branches("xyz")
    homolog.copy(target, into=back).proof.raise_if_failed()
    np.testing.assert_array_equal(back.state_dict()["z.weight"].numpy(), source.state_dict()["z.weight"].numpy())


def test_two_copies_of_one_network_are_the_same_in_whatever_order_their_twins_come() -> None:
    source, target = torch_branches("xyz"), keras_branches("rqp")
    homolog.copy(source, into=target)
    assert homolog.verify(source, target).passed


def test_without_running_what_cannot_be_told_is_refused_with_its_candidates() -> None:
    with pytest.raises(Mismatch) as caught:
        homolog.copy(torch_branches("xyz"), into=keras_branches("pqr"), run=False)
    assert any("may each be any of layer_p, layer_q" in line for line in caught.value.details)
    assert "--plan" in str(caught.value)
