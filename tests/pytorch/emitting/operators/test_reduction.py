"""Sums, means, extremes, statistics, and what puts in order."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.keras.emitting.operators.test_reduction import ALONG, DIMS, OVER
from tests.keras.emitting.operators.test_sorting import ALONG as SORTED
from tests.pytorch.emitting.again import One, again, behind, drawn, plain


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", DIMS, ids=str)
@pytest.mark.parametrize("name", OVER)
def test_over(name: str, dim: Any, keepdim: bool) -> None:
    plain(lambda x: OVER[name](x, dim, keepdim))
    behind(lambda x: OVER[name](x, dim, keepdim))


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [1, 2, -1])
@pytest.mark.parametrize("name", ALONG)
def test_along(name: str, dim: int, keepdim: bool) -> None:
    plain(lambda x: ALONG[name](x, dim, keepdim))
    behind(lambda x: ALONG[name](x, dim, keepdim))


@pytest.mark.parametrize("dim", [1, 2, -1])
@pytest.mark.parametrize("name", SORTED)
def test_sorted(name: str, dim: int) -> None:
    plain(lambda x: SORTED[name](x, dim))
    behind(lambda x: SORTED[name](x, dim))


@pytest.mark.parametrize("dtype", ["int64", "int32", "bool"])
def test_of_integers(dtype: str) -> None:
    plain(lambda x: [x.sum(1), x.any(1), x.all(-1), x.amax(1), x.float().mean(1), x.cumsum(1)], dtype)


def test_over_everything() -> None:
    plain(lambda x: [x * x.sum(), x / x.max(), x - x.mean(), x * x.argmax()])


@pytest.mark.parametrize("part", [0, 1, slice(None)], ids=str)
def test_one_of_two_results_or_both(part: Any) -> None:
    plain(lambda x: x.max(1)[part])
    plain(lambda x: x.topk(2, -1)[part])
    plain(lambda x: x.sort(1, descending=True)[part])
    plain(lambda x: x.cummax(1)[part])


def test_places_that_nobody_reads_are_not_written() -> None:
    assert "amax(dim=1)" in again(One(lambda x: x.max(1)[0]), drawn()).source


@pytest.mark.parametrize("right", [False, True])
def test_between_bounds(right: bool) -> None:
    bounds = torch.tensor([-1.0, -0.25, 0.25, 1.0])
    plain(lambda x: [torch.bucketize(x, bounds, right=right), torch.searchsorted(bounds, x, right=right)])
