"""A first call that leaves what the first call leaves, without what it computes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from homolog.pytorch.idle import first_call, idling


class Positions(nn.Module):
    """Keeps a table of positions, made by a product, which its first call makes for the length that comes."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(5, 6)
        self.mix = nn.Conv1d(6, 4, 3)
        self.table: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.table is None:
            angles = torch.arange(1.0, x.shape[1] + 1)[:, None] @ torch.arange(1.0, 7.0)[None]
            self.table = angles.sin()
        y = self.project(x) + self.table
        weights = torch.softmax(y @ y.mT, -1)
        y = nn.functional.scaled_dot_product_attention(y[:, None], y[:, None], y[:, None])[:, 0] + weights @ y
        return self.mix(y.mT)


def test_what_the_call_makes_of_nothing_but_itself_and_keeps_is_as_ever() -> None:
    one, other = Positions().eval(), Positions().eval()
    x = torch.randn(2, 7, 5)
    first_call(one, [x], {})
    with torch.no_grad():
        other(x)
    assert one.table is not None and other.table is not None
    torch.testing.assert_close(one.table, other.table, rtol=0, atol=0)
    assert one.table.abs().max() > 0.1


def test_products_of_what_comes_in_are_zeros_of_the_shapes_and_types_that_they_would_have() -> None:
    module = Positions().double().eval()
    x = torch.randn(2, 7, 5, dtype=torch.float64)
    with torch.no_grad():
        expected = module(x)
        with idling([x]):
            found = module(x)
            other = torch.ones(2, 3) @ torch.ones(3, 4)
    assert found.shape == expected.shape == (2, 4, 5) and found.dtype == torch.float64
    assert not found.any() and expected.any()  # its bias too is part of the convolution
    assert (other == 3).all()  # of nothing that comes in


class Picky(nn.Module):
    """Runs on no zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)
        self.calls: list[bool] = []

    def forward(self, x: torch.Tensor, *, scale: torch.Tensor) -> torch.Tensor:
        y = self.layer(x) * scale
        self.calls.append(bool(y.any()))
        if not y.any():
            raise ValueError("nothing but zeros")
        return y


def test_a_module_that_takes_no_zeros_is_called_in_earnest() -> None:
    module = Picky().eval()
    first_call(module, [torch.ones(2, 3)], {"scale": torch.ones(4)})
    assert module.calls == [False, True]


def test_an_error_of_the_modules_own_comes_as_it_is() -> None:
    def refuse(*given: Any) -> None:
        raise KeyError("own")

    module = nn.Linear(3, 4)
    module.register_forward_pre_hook(refuse)
    with pytest.raises(KeyError, match="own"):
        first_call(module, [torch.ones(2, 3)], {})
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        first_call(nn.Linear(3, 4), [torch.ones(2, 5)], {})
