"""A trace as flat statements, and what holds its weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.pytorch.emitting.again import ROUNDING, again, apart, drawn
from torch import Tensor, nn

from homolog.errors import Unsupported
from homolog.pytorch.emitting.assemble import assemble
from homolog.pytorch.program import trace


class Scaled(nn.Module):
    """A map that has its channels last, times a number for each channel, plus a fixed ramp along the height."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.scale = nn.Parameter(torch.rand(1, 1, 1, 5))
        self.register_buffer("ramp", torch.randn(1, 6, 7, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1) * self.scale + self.ramp


@pytest.mark.parametrize("keep_layout", [False, True])
def test_both_orders_of_axes_give_the_same(keep_layout: bool) -> None:
    assert apart(Scaled(), drawn((2, 8, 9, 3)), keep_layout=keep_layout) <= ROUNDING


def test_a_parameter_and_a_constant_are_laid_out_as_they_are_used() -> None:
    found = again(Scaled(), drawn((2, 8, 9, 3)))
    shapes = {name: tuple(tensor.shape) for name, tensor in found.model.state_dict().items()}
    assert shapes["scale"] == (1, 5, 1, 1)
    assert (1, 1, 6, 7) in shapes.values()
    assert "permute" not in found.source


def test_inputs_keep_their_order_where_they_are_to() -> None:
    found = again(Scaled(), drawn((2, 8, 9, 3)), keep_layout=True)
    assert found.assembled.inputs["x"]["shape"] == (None, 8, 9, 3)
    assert found.assembled.shapes["output"] == (None, 6, 7, 5)


def test_a_small_constant_stands_in_the_source_and_in_no_file() -> None:
    class Shifted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.tensor([0.5, 1.5, 2.5])

    found = again(Shifted(), drawn((2, 3)))
    assert not found.model.state_dict()
    assert "[0.5, 1.5, 2.5]" in found.source
    assert [tuple(buffer.shape) for buffer in found.model.buffers()] == [(3,)]  # so that it moves with the module


class Twice(nn.Module):
    """One layer, called in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.fc(torch.relu(self.fc(x)))
        return found


def test_a_layer_that_is_called_twice_is_made_once() -> None:
    found = again(Twice(), drawn((2, 4)))
    assert list(found.model.state_dict()) == ["fc.weight", "fc.bias"]
    assert found.assembled.shared == ("fc",)
    assert apart(Twice(), drawn((2, 4))) <= ROUNDING


class Tied(nn.Module):
    """A table that is the matrix of the last layer too."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 4)
        self.last = nn.Linear(4, 11, bias=bias)
        self.last.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.last(self.table(x).cos())
        return found


@pytest.mark.parametrize("bias", [True, False])
def test_a_table_that_is_read_backwards_is_one_tensor(bias: bool) -> None:
    ids = np.array([[0, 10, 3], [7, 1, 1]])
    assert apart(Tied(bias=bias), ids) <= ROUNDING
    found = again(Tied(bias=bias), ids)
    assert [tuple(tensor.shape) for tensor in found.model.parameters()].count((11, 4)) == 1
    assert "F.linear(" in found.source


class Container(nn.Module):
    """A module that computes with a weight of its own and has another inside."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 4))
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.inner(nn.functional.linear(x, self.weight))
        return found


def test_a_module_that_is_a_layer_and_holds_one() -> None:
    assert apart(nn.Sequential(Container(), Container()), drawn((2, 4))) <= ROUNDING


def test_layers_of_modules_that_would_share_a_name_get_two() -> None:
    module = nn.ModuleDict({"a_b": nn.Linear(4, 4), "a": nn.ModuleDict({"b": nn.Linear(4, 4)})})

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = module

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.parts["a_b"](x) + self.parts["a"]["b"](x).cos()
            return found

    assert apart(Net(), drawn((2, 4))) <= ROUNDING


def test_what_is_there_once_for_all_rows_is_repeated_where_it_must_be() -> None:
    class Token(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.randn(1, 2, 4))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            token = self.token.expand(x.shape[0], -1, -1)
            return torch.cat([token, x], 1), token

    assert apart(Token(), drawn((2, 3, 4))) <= ROUNDING


def test_an_input_without_axes() -> None:
    class Shifted(nn.Module):
        def forward(self, x: Tensor, by: Tensor) -> Tensor:
            return x * by

    found = again(Shifted(), drawn((2, 3)), np.float32(2.5).reshape(()))
    assert torch.equal(found.model(torch.ones(4, 3), torch.tensor(3.0)), torch.full((4, 3), 3.0))


def test_a_network_that_gives_nothing_is_refused() -> None:
    class Nothing(nn.Module):
        def forward(self, x: Tensor) -> None:
            return None

    with pytest.raises(Unsupported, match="gives no tensor"):
        assemble(trace(Nothing(), [drawn((2, 3))]))
