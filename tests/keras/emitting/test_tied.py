"""Tensors that several layers share: one variable, counted once, whose gradients add up."""

from __future__ import annotations

import numpy as np
import torch
from placed import drawn
from translated import ROUNDING, apart, translated

import keras

IDS = np.array([[0, 6, 3, 2, 6], [4, 1, 0, 0, 5]])


class Language(torch.nn.Module):
    """A table of embeddings that is also the matrix of the scores."""

    def __init__(self, *, bias: bool = False) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(7, 4)
        self.middle = torch.nn.Linear(4, 4)
        self.head = torch.nn.Linear(4, 7, bias=bias)
        self.head.weight = self.table.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.middle(self.table(ids)).tanh())


def trained(model: keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_table_read_backwards() -> None:
    for bias in (False, True):
        module = Language(bias=bias)
        assert apart(module, IDS) < ROUNDING
        found = translated(module, IDS)
        assert trained(found.model) == parameters(module)
        assert "reverse=True" in found.source


def test_gradients_of_a_shared_table_add_up() -> None:
    module = Language(bias=True)
    found = translated(module, IDS)
    weights = drawn((2, 5, 7))
    (module(torch.tensor(IDS)) * torch.tensor(weights)).sum().backward()
    expected = module.table.weight.grad
    assert expected is not None
    name = next(v for v in found.model.trainable_variables if v.shape == (7, 4))
    step = 1e-2
    given = name.numpy()
    for place in ((0, 1), (6, 3), (2, 0)):
        ends = []
        for sign in (1, -1):
            moved = given.copy()
            moved[place] += sign * step
            name.assign(moved)
            ends.append(float((np.asarray(found.model(IDS)) * weights).sum()))
        name.assign(given)
        assert abs((ends[0] - ends[1]) / (2 * step) - float(expected[place])) < 1e-2


def test_one_table_of_two_modules() -> None:
    class Both(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = torch.nn.Embedding(7, 4), torch.nn.Embedding(7, 4)
            self.two.weight = self.one.weight

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.one(ids) * self.two(ids.flip(1))

    module = Both()
    assert apart(module, IDS) < ROUNDING
    assert trained(translated(module, IDS).model) == parameters(module)


def test_one_matrix_of_layers_that_differ_otherwise() -> None:
    class Shifted(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
            self.two.weight = self.one.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.two(self.one(x).sin())

    module = Shifted()
    assert apart(module, drawn((2, 5, 4))) < ROUNDING
    assert trained(translated(module, drawn((2, 5, 4))).model) == parameters(module)


def test_first_rows_of_a_table_that_is_looked_up_too() -> None:
    class Positions(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(7, 4)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.table(ids) + self.table(torch.arange(ids.shape[1])[None])

    module = Positions()
    assert apart(module, IDS) < ROUNDING
    assert trained(translated(module, IDS).model) == parameters(module)
