"""Attention, by itself and in PyTorch's layer."""

from __future__ import annotations

import pytest
import torch
from tests.keras.emitting.operators.test_attention import LAYERS, PADDING, SETTINGS, Layer, X, Y
from tests.pytorch.emitting.again import ROUNDING, One, again, apart, drawn, same


@pytest.mark.parametrize("name", SETTINGS)
def test_attention(name: str) -> None:
    function, given = SETTINGS[name]
    same(function, *given)


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str) -> None:
    settings, given = LAYERS[name]
    torch.manual_seed(0)
    assert apart(Layer(batch_first=True, **settings), *given) <= ROUNDING


@pytest.mark.parametrize("weights", [True, False])
def test_padding_of_a_layer(weights: bool) -> None:
    torch.manual_seed(0)

    class Padded(Layer):
        def forward(self, query: torch.Tensor, key: torch.Tensor, padding: torch.Tensor) -> object:  # type: ignore[override]
            padding = padding & (torch.arange(7) > 0)  # no row without any key
            return super().forward(query, key, None, padding)

    assert apart(Padded(batch_first=True, weights=weights), X, Y, ~PADDING) <= ROUNDING


def test_the_function_is_pytorchs_own() -> None:
    attend = torch.nn.functional.scaled_dot_product_attention
    text = again(One(lambda x: attend(x, x, x, is_causal=True)), drawn((2, 4, 5, 3))).source
    assert "F.scaled_dot_product_attention(x, x, x, is_causal=True)" in text


def test_packed_rows_are_three_layers_in_the_modules_own_place() -> None:
    found = again(Layer(batch_first=True), X)
    shapes = {name: tuple(tensor.shape) for name, tensor in found.model.state_dict().items()}
    assert sum(shape == (12, 12) for shape in shapes.values()) == 4 or (36, 12) in shapes.values()
    assert all(name.startswith("attention") for name in shapes)
