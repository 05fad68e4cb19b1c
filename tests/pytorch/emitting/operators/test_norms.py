"""Lengths of vectors, distances, differences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.keras.emitting.operators.test_norms import INF, NORMS
from tests.pytorch.emitting.again import behind, plain


@pytest.mark.parametrize("order", [0, 0.5, 1, 2, 3, INF, -INF])
@pytest.mark.parametrize("dim", [1, -1, (1, 2)], ids=str)
def test_vector_norm(order: float, dim: Any) -> None:
    plain(lambda x: torch.linalg.vector_norm(x, order, dim))
    behind(lambda x: torch.linalg.vector_norm(x, order, dim, keepdim=True))


@pytest.mark.parametrize("name", NORMS)
def test_norms(name: str) -> None:
    plain(NORMS[name])


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, INF])
def test_cdist(order: float) -> None:
    plain(lambda x: torch.cdist(x, x.cos(), order))
