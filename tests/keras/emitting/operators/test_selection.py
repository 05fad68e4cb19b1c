"""Choices between values, casts, and what is the same value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from placed import behind, plain

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
