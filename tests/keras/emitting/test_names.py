"""Names of layers beside those that Keras gives by itself."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from translated import apart, translated

from homolog.keras.emitting.names import clashing, given_by_keras


def test_what_keras_gives_by_itself() -> None:
    given = given_by_keras(
        ["ops.stack([x, y], axis=0)", "layers.ZeroPadding2D(1)(x)", "layers.Dense(4, name='dense')(x)"]
    )
    assert {"stack", "zero_padding2d", "add"} <= given
    assert clashing(["stack", "stack_3", "zero_padding2d", "dense", "stacked"], given) == {
        "stack",
        "stack_3",
        "zero_padding2d",
    }


class Named(nn.Module):
    """Layers that are called what Keras calls operations."""

    def __init__(self) -> None:
        super().__init__()
        self.stack, self.add, self.dense = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.stack(x), self.add(x) + self.dense(x)], 1)


def test_layers_that_are_called_like_operations() -> None:
    x = np.ones((2, 3), np.float32)
    assert apart(Named(), x) < 1e-6
    text = translated(Named(), x).source
    assert all(f'name="{name}"' in text for name in ("stack_layer", "add_layer", "dense"))


class Same(nn.Module):
    """A layer that is called like an argument."""

    def __init__(self) -> None:
        super().__init__()
        self.x = nn.Linear(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.x(x)


def test_a_layer_that_is_called_like_an_input() -> None:
    x = np.ones((2, 3), np.float32)
    assert apart(Same(), x) < 1e-6
    assert 'name="x_2"' in translated(Same(), x).source


class Dropping(nn.Module):
    """A dropout that is called ``dropout``, and called again: Keras names what it has no name for."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout, self.dense = nn.Dropout(0.3), nn.Linear(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dropout(self.dense(self.dropout(x)))


def test_a_layer_without_weights_that_is_called_like_one_without_a_name() -> None:
    assert apart(Dropping(), np.ones((2, 3), np.float32)) < 1e-6
