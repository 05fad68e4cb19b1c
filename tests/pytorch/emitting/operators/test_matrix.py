"""Products of matrices and vectors, and dense layers that are said as such."""

from __future__ import annotations

import pytest
from tests.keras.emitting.operators.test_matrix import PRODUCTS, Turned
from tests.pytorch.emitting.again import ROUNDING, One, again, apart, drawn, same
from torch import nn


@pytest.mark.parametrize("name", PRODUCTS)
def test_product(name: str) -> None:
    function, given = PRODUCTS[name]
    same(function, *given)


@pytest.mark.parametrize("bias", [True, False])
def test_a_product_with_a_parameter_is_a_linear_layer_without_reshapes(bias: bool) -> None:
    text = again(Turned(bias=bias), drawn()).source
    assert "nn.Linear(3, 4" in text
    assert "reshape" not in text
    assert apart(Turned(bias=bias), drawn()) <= ROUNDING


@pytest.mark.parametrize("bias", [True, False])
def test_a_bilinear_layer_is_one(bias: bool) -> None:
    layer = nn.Bilinear(3, 4, 5, bias=bias)
    module = One(lambda x: layer(x[..., :3], x[..., 3:]))
    module.layer = layer
    assert "nn.Bilinear(3, 4, 5" in again(module, drawn((2, 6, 7))).source
    assert apart(module, drawn((2, 6, 7))) <= ROUNDING
