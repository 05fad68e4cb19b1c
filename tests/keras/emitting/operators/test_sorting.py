"""What puts in order, looks up and runs along an axis."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from placed import One, behind, drawn, plain
from translated import translated

from homolog.errors import Unsupported

ALONG: dict[str, Callable] = {
    "cumsum": torch.cumsum,
    "cumprod": torch.cumprod,
    "logcumsumexp": torch.logcumsumexp,
    "cummax": lambda x, dim: torch.cummax(x, dim).values,
    "cummin": lambda x, dim: torch.cummin(x, dim).values,
    "sort": torch.sort,
    "sort backwards": lambda x, dim: torch.sort(x, dim, descending=True),
    "sort in a stable way": lambda x, dim: torch.sort(x, dim=dim, descending=True, stable=True),
    "argsort": torch.argsort,
    "topk": lambda x, dim: torch.topk(x, 2, dim),
    "smallest": lambda x, dim: torch.topk(x, 2, dim, largest=False),
    "kthvalue": lambda x, dim: torch.kthvalue(x, 2, dim),
    "kept kthvalue": lambda x, dim: torch.kthvalue(x, 3, dim, keepdim=True),
}


@pytest.mark.parametrize("dim", [1, 2, -1])
@pytest.mark.parametrize("name", ALONG)
def test_along(name: str, dim: int) -> None:
    plain(lambda x: ALONG[name](x, dim))
    behind(lambda x: ALONG[name](x, dim))


def test_equal_values_keep_their_order() -> None:
    plain(lambda x: torch.sort(x, dim=1, stable=True), "int64", low=0, high=2)
    plain(lambda x: torch.sort(x, dim=1, descending=True, stable=True), "int64", low=0, high=2)
    plain(lambda x: torch.sort(x, dim=2, descending=True, stable=True), "bool")


def test_running_sums_of_integers() -> None:
    plain(lambda x: [x.cumsum(1), x.cumprod(2)], "int64", low=-3, high=3)
    plain(lambda x: x.cumsum(1), "bool")
    plain(lambda x: x.cumsum(1, dtype=torch.float32) / 3, "int32")


@pytest.mark.parametrize("right", [False, True])
def test_between_bounds(right: bool) -> None:
    plain(lambda x: torch.bucketize(x, torch.tensor([-0.5, 0.0, 0.75]), right=right))
    behind(lambda x: torch.bucketize(x, torch.tensor([-0.5, 0.0, 0.75]), right=right))
    plain(lambda x: torch.bucketize(x, torch.tensor([-2, 0, 3]), right=right), "int64")
    plain(lambda x: torch.bucketize(x, torch.tensor([-2.0, 0.5, 3.0]), right=right), "int64")
    plain(lambda x: torch.searchsorted(torch.tensor([-0.5, 0.0, 0.75]), x, right=right))


def test_places_of_running_extremes_are_refused() -> None:
    with pytest.raises(Unsupported, match="places of the running extremes"):
        translated(One(lambda x: torch.cummax(x, 1).indices), drawn())
