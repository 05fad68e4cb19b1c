"""Tensors that are made, for any number of rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.keras.emitting.operators.test_creation import MADE
from tests.pytorch.emitting.again import One, again, drawn, plain


@pytest.mark.parametrize("name", MADE)
def test_made(name: str) -> None:
    plain(MADE[name])


def test_what_is_the_same_for_all_rows_is_repeated_where_it_comes_out() -> None:
    plain(lambda x: [x, torch.arange(4.0).reshape(1, 4).expand(x.shape[0], -1)])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda x: x + torch.arange(15).reshape(5, 3), "torch.arange(15).reshape(5, 3), persistent=False"),
        (lambda x: x + torch.full((5, 3), 2.5), "torch.full((5, 3), 2.5), persistent=False"),
        (lambda x: x * torch.tensor([0.5, 1.5, -2.5]), "torch.tensor([0.5, 1.5, -2.5]), persistent=False"),
        (lambda x: x[:, None].masked_fill(torch.ones(4, 5, 3).triu() > 0, 0), "torch.empty(4, 5, 3, dtype=torch.bool)"),
    ],
)
def test_constants_are_said_where_that_is_short(made: Callable, words: str) -> None:
    text = again(One(made), drawn()).source
    assert words in text
    plain(made)
