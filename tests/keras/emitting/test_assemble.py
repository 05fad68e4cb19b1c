"""A trace as flat statements, and what holds its weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from translated import ROUNDING, Translated, apart, translated

from homolog.errors import Unsupported
from homolog.keras.emitting.assemble import Assembled, assemble
from homolog.pytorch.program import trace


def made(module: nn.Module, *shapes: tuple[int, ...], keep_layout: bool = False) -> Assembled:
    arrays = [np.zeros(shape, np.float32) for shape in shapes]
    return assemble(trace(module.eval(), arrays), keep_layout=keep_layout)


class Scaled(nn.Module):
    """A map, times a number for each channel, plus a fixed ramp along the height."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.scale = nn.Parameter(torch.rand(5, 1, 1))
        self.register_buffer("ramp", torch.randn(1, 1, 6, 7))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) * self.scale + self.ramp


def test_a_parameter_is_laid_out_as_it_is_used() -> None:
    held = made(Scaled(), (1, 3, 8, 9)).held
    assert held["scale"].arguments["0"] == (1, 1, 1, 5)
    assert apart(Scaled(), np.zeros((2, 3, 8, 9), np.float32)) < ROUNDING


def test_a_large_constant_is_a_weight_that_is_not_trained() -> None:
    (constant,) = [held for held in made(Scaled(), (1, 3, 8, 9)).held.values() if held.array is not None]
    assert (constant.cls, constant.arguments["trainable"]) == ("Parameter", False)
    assert constant.array is not None
    assert constant.array.shape == (1, 6, 7, 1)


def test_a_small_constant_stands_in_the_source() -> None:
    class Shifted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.tensor([0.5, 1.5, 2.5])

    found = made(Shifted(), (1, 3))
    assert found.held == {}
    assert any("[0.5, 1.5, 2.5]" in statement.expression for statement in found.program.statements)


def test_a_layer_that_is_called_twice_is_made_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(torch.relu(self.fc(x)))

    found = made(Twice(), (1, 4))
    assert found.shared == ("fc",)
    assert list(found.held) == ["fc"]
    assert apart(Twice(), np.zeros((2, 4), np.float32)) < ROUNDING


def test_layers_of_modules_that_would_share_a_name_get_two() -> None:
    module = nn.ModuleDict({"a_b": nn.Linear(4, 4), "a": nn.ModuleDict({"b": nn.Linear(4, 4)})})

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = module

        def forward(self, x: Tensor) -> Tensor:
            return self.parts["a_b"](x) + self.parts["a"]["b"](x)

    assert list(made(Net(), (1, 4)).held) == ["parts_a_b", "parts_a_b_2"]
    assert apart(Net(), np.zeros((2, 4), np.float32)) < ROUNDING


def test_what_is_there_once_for_all_rows_is_repeated_where_it_must_be() -> None:
    class Token(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.randn(1, 2, 4))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            token = self.token.expand(x.shape[0], -1, -1)
            return torch.cat([token, x], 1), token

    assert apart(Token(), np.zeros((2, 3, 4), np.float32)) < ROUNDING


@pytest.mark.parametrize("keep_layout", [False, True])
def test_both_orders_of_axes_give_the_same(keep_layout: bool) -> None:
    assert apart(Scaled(), np.zeros((2, 3, 8, 9), np.float32), keep_layout=keep_layout) < ROUNDING


def test_an_input_without_axes_is_refused() -> None:
    class Shifted(nn.Module):
        def forward(self, x: Tensor, by: Tensor) -> Tensor:
            return x + by

    with pytest.raises(Unsupported, match="without axes"):
        made(Shifted(), (1, 3), ())


# -- what is not trained ----------------------------------------------------------------------------------------------


def frozen(*names: str) -> Translated:
    module = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))
    for name in names:
        module.get_parameter(name).requires_grad_(False)
    return translated(module, np.zeros((2, 6), np.float32))


def trained(found: Translated) -> set[str]:
    return {variable.path for variable in found.model.trainable_variables}


def test_a_layer_that_is_frozen_is_not_trained() -> None:
    found = frozen("0.weight", "0.bias")
    assert trained(found) == {"_1/gamma", "_1/beta", "_3/kernel", "_3/bias"}
    assert found.assembled.notes == ()


def test_what_keras_trains_all_the_same_is_noted() -> None:
    """A part of a layer cannot be frozen; and a frozen batch norm would take its own statistics while training."""
    found = frozen("3.weight", "1.weight", "1.bias")
    assert len(trained(found)) == 6
    assert found.assembled.notes == ("1: not to train 1.weight, 1.bias", "3: not to train 3.weight")


def test_nothing_is_frozen_or_noted_by_itself() -> None:
    found = frozen()
    assert (len(trained(found)), found.assembled.notes) == (6, ())
