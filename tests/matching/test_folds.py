"""What a layer of the target does not keep is folded into its neighbour, and the networks still agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import homolog


def torch_net(*, bias: bool = True, affine: bool = True) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(3, 5, (2, 3), bias=bias), nn.BatchNorm2d(5, eps=1e-3, affine=affine), nn.ReLU(), nn.Conv2d(5, 4, 1)
    )
    norm: Any = net[1]
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return net.eval()


def keras_net(*, use_bias: bool = True, scale: bool = True) -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            layers.Input((8, 9, 3)),
            layers.Conv2D(5, (2, 3), use_bias=use_bias, bias_initializer="normal", name="conv"),
            layers.BatchNormalization(
                scale=scale, gamma_initializer="normal", moving_mean_initializer="normal", name="norm"
            ),
            layers.ReLU(),
            layers.Conv2D(4, 1, name="last"),
        ]
    )


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_what_the_target_does_not_keep_is_folded_in(use_bias: bool, scale: bool) -> None:
    copied = homolog.copy(torch_net(), into=keras_net(use_bias=use_bias, scale=scale))
    copied.proof.raise_if_failed()
    notes = " ".join(copied.plan.notes)
    assert ("the bias of 0 is folded in" in notes) != use_bias
    assert ("the scale of 1 is folded in" in notes) != scale


def test_what_the_source_does_not_keep_is_zero_or_one() -> None:
    target = torch_net()
    copied = homolog.copy(keras_net(use_bias=False, scale=False), into=target)
    copied.proof.raise_if_failed()
    state = target.state_dict()
    np.testing.assert_array_equal(state["0.bias"].numpy(), np.zeros(5))
    np.testing.assert_array_equal(state["1.weight"].numpy(), np.ones(5))


def test_a_bias_with_nothing_behind_it_that_could_take_it_is_refused() -> None:
    import torch
    from torch import nn

    source = nn.Sequential(nn.Linear(4, 3), nn.Tanh()).eval()
    target = nn.Sequential(nn.Linear(4, 3, bias=False), nn.Tanh()).eval()
    before = target[0].weight.detach().clone()
    with pytest.raises(homolog.errors.Mismatch, match="no place") as caught:
        homolog.copy(source, into=target)
    assert any("0.bias" in line for line in caught.value.details)
    assert torch.equal(before, target[0].weight)
