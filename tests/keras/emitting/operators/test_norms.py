"""Lengths, distances, differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from placed import One, behind, plain
from torch.nn import functional
from translated import translated

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


ROOTS: dict[str, Callable] = {
    "norm": lambda x: x.norm(dim=-1),
    "vector_norm": lambda x: torch.linalg.vector_norm(x, dim=-1, keepdim=True) * x,
    "normalize": lambda x: functional.normalize(x, dim=-1),
    "std": lambda x: x.std(-1),
    "std without a correction": lambda x: x.std(-1, unbiased=False),
    "cdist": lambda x: torch.cdist(x[:, None], 0 * x[:, None]),
}


@pytest.mark.parametrize("name", ROOTS)
def test_the_slope_at_zero_is_zero(name: str) -> None:
    """A row of padding must not turn every gradient in front of it into no number."""
    import tensorflow as tf

    import keras

    rows = np.array([[0, 0, 0], [1, 2, 4], [0, 3, 3]], np.float32)
    found = translated(One(ROOTS[name]), rows)
    ours = torch.tensor(rows, requires_grad=True)
    ROOTS[name](ours).sum().backward()
    theirs = keras.ops.convert_to_tensor(rows)
    with tf.GradientTape() as tape:
        tape.watch(theirs)
        total = keras.ops.sum(found.model(theirs))
    assert ours.grad is not None
    assert torch.isfinite(ours.grad).all()
    np.testing.assert_allclose(tape.gradient(total, theirs).numpy(), ours.grad.numpy(), rtol=1e-5, atol=1e-6)
