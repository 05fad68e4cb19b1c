"""Functions of one value, number by number."""

from __future__ import annotations

import pytest
import torch
from tests.keras.emitting.operators.test_elementwise import ONE
from tests.pytorch.emitting.again import behind, plain


@pytest.mark.parametrize("name", ONE)
def test_one(name: str) -> None:
    plain(ONE[name])
    behind(ONE[name])


@pytest.mark.parametrize("rank", [1, 2])
def test_other_ranks(rank: int) -> None:
    plain(lambda x: torch.relu(x) + x.exp(), shape=(2, 5)[:rank])
