"""``len(x)`` of a batch is an open length."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import ROUNDING, apart
from torch import nn

from homolog.pytorch.rows import open_rows

X = np.random.default_rng(0).standard_normal((2, 5, 4)).astype(np.float32)


def rows_of(x: torch.Tensor) -> int:
    return len(x)


def noted(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def noting(*args: Any) -> Any:
        return call(*args)

    return noting


class Queries(nn.Module):
    """As many queries as rows, as a detector has."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.rand(3, 4))
        self.extra = [1.0, 2.0]

    @noted
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        queries = self.table[None].repeat(len(x), 1, 1) * len(self.extra)
        return torch.cat([queries.expand(rows_of(x), -1, -1), x], 1).reshape(len(x), -1)


def test_a_module_that_asks_for_the_length_of_its_batch_takes_any() -> None:
    assert apart(Queries(), X, rows=7) < ROUNDING


def test_len_is_pythons_own_afterwards_and_of_all_else() -> None:
    module, names = Queries(), globals()
    with pytest.raises(KeyError, match="raised"), open_rows(nn.Sequential(module, nn.Linear(3, 4))):
        assert "len" in names and len("four") == 4 and rows_of(torch.ones(3, 2)) == 3
        assert "len" not in vars(nn.modules.linear) and "len" not in vars(nn.modules.module)
        with pytest.raises(TypeError, match="0-d tensor"):
            rows_of(torch.tensor(1.0))
        raise KeyError("raised")
    assert "len" not in names


def test_a_len_of_the_files_own_stays() -> None:
    space: dict[str, Any] = {"nn": nn, "len": (own := lambda x: 3)}
    exec("class Own(nn.Module):\n    def forward(self, x):\n        return x * len(x)", space)
    with open_rows(space["Own"]()):
        assert space["len"] is own
    assert space["len"] is own
