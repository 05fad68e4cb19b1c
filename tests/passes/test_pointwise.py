"""A convolution with kernels of one cell corresponds to a dense layer."""

from __future__ import annotations

import pytest

import homolog


def test_a_one_cell_convolution_and_a_dense_layer_correspond_both_ways() -> None:
    import torch
    from torch import nn

    import keras

    torch.manual_seed(3)
    source = nn.Sequential(nn.Conv2d(3, 5, 2), nn.Conv2d(5, 7, 1), nn.ReLU(), nn.Conv2d(7, 4, 1)).eval()
    entry = keras.Input((6, 8, 3))
    value = keras.layers.Dense(7, bias_initializer="normal", name="wide")(keras.layers.Conv2D(5, 2, name="conv")(entry))
    target = keras.Model(entry, keras.layers.Conv2D(4, 1, name="narrow")(keras.layers.ReLU()(value)))
    homolog.copy(source, into=target).proof.raise_if_failed()
    for module in source:
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
    homolog.copy(target, into=source).proof.raise_if_failed()


def test_its_stride_is_still_a_difference() -> None:
    from torch import nn

    one, two = (nn.Sequential(nn.Conv2d(3, 5, 1, stride=stride), nn.Conv2d(5, 2, 2)).eval() for stride in (1, 2))
    plan = homolog.match(one, two, inputs=[(1, 3, 8, 8)])
    assert [(item.setting, item.target_value) for item in plan.differences] == [("stride", (2, 2))]
    with pytest.raises(homolog.errors.Mismatch, match="not the same function"):
        homolog.copy(one, into=two, inputs=[(1, 3, 8, 8)])
