"""Products of matrices and vectors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from placed import apart_by, drawn
from translated import ROUNDING, apart, translated

X, Y = drawn((2, 5, 3)), drawn((2, 3, 7))
S, T = drawn((2, 4, 5, 3)), drawn((2, 4, 3, 6))
KERNEL = torch.tensor(drawn((3, 7)))
WEIGHT = torch.tensor(drawn((4, 3, 3)))

PRODUCTS: dict[str, tuple[Callable, tuple]] = {
    "matmul": (lambda x, y: x @ y, (X, Y)),
    "matmul of four axes": (lambda x, y: x @ y, (S, T)),
    "matmul that broadcasts": (lambda x, y: x @ y[:, None], (S, Y)),
    "matmul with a vector": (lambda x, y: x @ y[0, :, 2], (X, Y)),
    "matmul with a constant": (lambda x: x @ KERNEL, (X,)),
    "constant with matmul": (lambda x: KERNEL.T @ x.mT, (X,)),
    "bmm": (torch.bmm, (X, Y)),
    "mm": (lambda x, y: torch.mm(x[0], y[1]), (X, Y)),
    "mv": (lambda x, y: torch.mv(x[0], y[1, :, 3]), (X, Y)),
    "dot": (lambda x, y: torch.dot(x[0, 1], y[1, :, 3]).reshape(1, 1) + x[:, 0], (X, Y)),
    "outer": (lambda x, y: torch.outer(x[0, 1], y[0, 2]) + y[:, :3], (X, Y)),
    "addmm": (lambda x, y: torch.addmm(y[0, :1, :], x[0], y[1], beta=0.5, alpha=-2), (X, Y)),
    "addmm without the summand": (lambda x, y: torch.addmm(y[0, :1, :] / 0, x[0], y[1], beta=0), (X, Y)),
    "addmv": (lambda x, y: torch.addmv(x[1, :, 2], x[0], y[1, :, 3], beta=3), (X, Y)),
    "baddbmm": (lambda x, y: torch.baddbmm(y[:, :1, :], x, y, beta=0.25, alpha=3), (X, Y)),
    "einsum": (lambda x, y: torch.einsum("bij, bjk -> bki", x, y), (X, Y)),
    "einsum of one": (lambda x: torch.einsum("bij->bj", x), (X,)),
    "einsum with dots": (lambda x, y: torch.einsum("b...j,bjk->b...k", x, y), (X, Y)),
    "einsum of three": (lambda x: torch.einsum("bij,jk,lk->bl", x, KERNEL, KERNEL), (X,)),
    "einsum that does not tell its result": (lambda x: torch.einsum("bij,kj", x, KERNEL[:, :1]), (X,)),
    "einsum with a constant": (lambda x: torch.einsum("bij,jk->bik", x, KERNEL), (X,)),
    "einsum with what is once for all rows": (
        lambda x: torch.einsum("bij,bjk->bik", x, KERNEL.expand(x.shape[0], 3, 7)),
        (X,),
    ),
    "einsum with what is once for all rows, which lie second": (
        lambda x: torch.einsum("ibj,jbk->bik", x.transpose(0, 1), KERNEL[:, None].expand(3, x.shape[0], 7)),
        (X,),
    ),
    "einsum that broadcasts": (lambda x: torch.einsum("b...j,b...j->b...", x, x[:, :1].sin()), (X,)),
    "einsum that broadcasts by a letter": (lambda x: torch.einsum("bij,bij->bj", x, x[:, :1].sin()), (X,)),
    "bilinear": (lambda x, y: torch.nn.functional.bilinear(x, y.mT[:, :5], WEIGHT, WEIGHT[:, 0, 0]), (X, Y)),
    "cross": (lambda x: torch.linalg.cross(x, x.flip(1).sin()), (X,)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_product(name: str) -> None:
    function, given = PRODUCTS[name]
    assert apart_by(function, *given) < ROUNDING


class Between(torch.nn.Module):
    """PyTorch's own layer of matrices between two vectors."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self.layer = torch.nn.Bilinear(3, 5, 4, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layer(x[:, :3].mT, x[:, :3].exp().mT @ x.new_ones(3, 5))
        return found


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_layer(bias: bool) -> None:
    assert apart(Between(bias=bias), drawn((2, 5, 3))) < 2 * ROUNDING


class Turned(torch.nn.Module):
    """A linear layer by hand, with its kernel as (in, out), on rows that are made a matrix first."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(drawn((3, 4))))
        self.bias = torch.nn.Parameter(torch.tensor(drawn((4,)))) if bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.view(-1, x.shape[-1])
        found = flat @ self.weight if self.bias is None else torch.addmm(self.bias, flat, self.weight)
        return found.view(*x.shape[:-1], 4)


@pytest.mark.parametrize("bias", [True, False])
def test_product_with_a_parameter_is_a_dense_layer_without_reshapes(bias: bool) -> None:
    assert apart(Turned(bias=bias), X) < ROUNDING
    text = translated(Turned(bias=bias), X).source
    assert "layers.Dense(4" in text
    assert "reshape" not in text


def test_addmm_with_factors_is_no_dense_layer() -> None:
    class Scaled(Turned):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.addmm(self.bias, x[:, 0], self.weight, alpha=2)

    assert apart(Scaled(bias=True), X) < ROUNDING
    assert "Dense" not in translated(Scaled(bias=True), X).source
