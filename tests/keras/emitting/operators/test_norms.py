"""Lengths, distances, differences."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from placed import behind, plain
from torch.nn import functional

INF = float("inf")


@pytest.mark.parametrize("order", [0, 0.5, 1, 2, 3, INF, -INF])
@pytest.mark.parametrize("dim", [1, -1, (1, 2)], ids=str)
def test_vector_norm(order: float, dim: object) -> None:
    plain(lambda x: torch.linalg.vector_norm(x, order, dim, keepdim=True))
    behind(lambda x: torch.linalg.vector_norm(x, order, dim), bound=1e-5)


NORMS: dict[str, Callable] = {
    "norm": lambda x: x.norm(dim=1),
    "norm of an order": lambda x: x.norm(p=3, dim=-1, keepdim=True),
    "normalize": lambda x: functional.normalize(x, dim=1),
    "normalize by sums": lambda x: functional.normalize(x, p=1, dim=-1),
    "cosine_similarity": lambda x: functional.cosine_similarity(x, x.cos(), dim=1),
    "pairwise_distance": lambda x: functional.pairwise_distance(x, x.cos()),
    "diff": lambda x: torch.diff(x, dim=1),
    "diff twice": lambda x: torch.diff(x, n=2, dim=-2),
}


@pytest.mark.parametrize("name", NORMS)
def test_norms(name: str) -> None:
    plain(NORMS[name])
    behind(NORMS[name], bound=2e-5)


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, INF])
def test_cdist(order: float) -> None:
    plain(lambda x: torch.cdist(x, x[:, :2].cos() + 2, p=order))
