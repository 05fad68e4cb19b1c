"""Choices between values, casts, and what is the same value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from placed import One, behind, drawn, plain
from torch import nn
from translated import apart, translated

import homolog

ANY: dict[str, Callable] = {
    "where": lambda x: torch.where(x > 0, x, x.cos()),
    "where of numbers": lambda x: [torch.where(x > 0, 1.5, x), torch.where(x > 0, x, -2), torch.where(x > 0, 1.0, 0.0)],
    "where of one channel": lambda x: torch.where(x.sum(1, keepdim=True) > 0, x, 0.0),
    "masked_fill": lambda x: x.masked_fill(x > 0.5, -1),
    "masked_fill of fewer axes": lambda x: x.masked_fill(torch.arange(x.shape[-1]) > 1, float("-inf")).softmax(-1),
    "casts": lambda x: [
        x.long(),
        x.int() // 2,
        x.bool(),
        (x > 0).float(),
        (x > 0).type_as(x),
        x.to(torch.int64).float(),
    ],
    "floats stay floats": lambda x: x.double().float() + x.to(torch.float32),
    "the same": lambda x: [x.clone(), x.detach(), x.contiguous(), x.real, x.resolve_neg(), x.conj()],
    "copy": lambda x: [torch.empty_like(x).copy_(x.cos()), x.clone().copy_(x[:, :1])],
    "fill": lambda x: x.clone().fill_(2.5) * x,
    "fill with a value": lambda x: torch.ones_like(x).fill_(torch.tensor(0.25)) * x,
}


@pytest.mark.parametrize("name", ANY)
def test_any(name: str) -> None:
    plain(ANY[name])
    behind(ANY[name])


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_other_types(dtype: str) -> None:
    plain(lambda x: [torch.where(x > 0, x, 0), x.float(), x.bool(), x.int(), x.masked_fill(x > 0, 0)], dtype)


# -- half precision, and where gradients end ---------------------------------------------------------------------------


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_rounds_in_a_model_that_is_not_of_it(half: torch.dtype) -> None:
    module = One(lambda x: x.to(half).float() * 3)
    word = str(half).removeprefix("torch.")
    assert apart(module, drawn()) == 0
    source = translated(module, drawn()).source
    assert f'ops.cast(x, "{word}")' in source
    assert ', "float32")' in source


def test_a_model_of_half_precision_computes_in_what_keras_computes_in() -> None:
    class Detour(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(5, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.dense(x)
            return (y.float() * 2).to(y.dtype)

    assert "cast" not in translated(Detour().half(), np.zeros((2, 5), np.float16)).source


class Frozen(nn.Module):
    """Two parameters, of which one is read without a gradient; and a part that runs without any."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Parameter(torch.rand(5)), nn.Parameter(torch.rand(5))
        self.first, self.last = nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            y = torch.tanh(self.first(x))
        return self.last(y * self.one.detach() * self.two + self.one.mean())


def test_gradients_end_where_they_did() -> None:
    done = homolog.translate(Frozen(), inputs=[(2, 5)], gradients=True)
    assert done.proof.passed, str(done.proof)
    assert done.source.count("ops.stop_gradient(") == 2
