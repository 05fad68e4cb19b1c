"""Reductions over every axis and over several, on values that lie as they are and with their channels last."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from placed import One, behind, drawn, plain
from translated import translated

from homolog.errors import Unsupported

OVER: dict[str, Callable] = {
    **{name: getattr(torch, name) for name in ("mean", "sum", "amax", "amin", "logsumexp", "nansum", "nanmean")},
    "var": torch.var,
    "std": torch.std,
    "var as it is": lambda x, dim, keepdim: torch.var(x, dim, correction=0, keepdim=keepdim),
    "std with a correction": lambda x, dim, keepdim: torch.std(x, dim, correction=2, keepdim=keepdim),
    "var_mean": torch.var_mean,
    "std_mean": lambda x, dim, keepdim: torch.std_mean(x, dim, unbiased=False, keepdim=keepdim),
    "any": lambda x, dim, keepdim: torch.any(x > 1, dim, keepdim),
    "all": lambda x, dim, keepdim: torch.all(x > -1, dim, keepdim),
}
ALONG: dict[str, Callable] = {
    **{name: getattr(torch, name) for name in ("max", "min", "argmax", "argmin", "prod", "median", "amax")},
    "count_nonzero": lambda x, dim, keepdim: torch.count_nonzero(x > 0, dim),
    "aminmax": lambda x, dim, keepdim: torch.aminmax(x, dim=dim, keepdim=keepdim),
    "softmax": lambda x, dim, keepdim: torch.softmax(x, dim),
    "log_softmax": lambda x, dim, keepdim: torch.log_softmax(x, dim),
}
DIMS = [1, -1, [1, 2], [-1, 1]]


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", DIMS, ids=str)
@pytest.mark.parametrize("name", OVER)
def test_over(name: str, dim: object, keepdim: bool) -> None:
    plain(lambda x: OVER[name](x, dim, keepdim=keepdim))
    behind(lambda x: OVER[name](x, dim, keepdim=keepdim))


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [1, 2, -1])
@pytest.mark.parametrize("name", ALONG)
def test_along(name: str, dim: int, keepdim: bool) -> None:
    plain(lambda x: ALONG[name](x, dim, keepdim=keepdim))
    behind(lambda x: ALONG[name](x, dim, keepdim=keepdim))


@pytest.mark.parametrize("dtype", ["int64", "int32", "bool"])
def test_of_integers(dtype: str) -> None:
    def function(x: torch.Tensor) -> object:
        given = [x.sum(1), x.any(-1), x.all(1, keepdim=True), x.float().mean((1, 2)), x.argmax(-1) * 0]
        numbers = [x.amax(1), x.amin((1, 2)), x.prod(2), x.max(-1).values, x.softmax(1, dtype=torch.float32)]
        return given if dtype == "bool" else [*given, *numbers, x.sum(-1, dtype=torch.float32) / 3]

    if dtype == "bool":
        plain(lambda x: [x.sum(1), x.any(-1), x.all(1, keepdim=True), x.float().mean((1, 2))], dtype)
    else:
        plain(function, dtype)


def test_over_everything_but_the_batch_is_flattened_first() -> None:
    behind(lambda x: x.flatten(1).mean(1))
    behind(lambda x: x.flatten(1).argmax(1))


def test_a_place_among_all_rows_is_refused() -> None:
    with pytest.raises(Unsupported, match="among all rows"):
        translated(One(lambda x: x.argmax()), drawn())


def test_a_corrected_variance_over_the_batch_is_refused() -> None:
    with pytest.raises(Unsupported, match="open number of values"):
        translated(One(lambda x: x - x.var()), drawn())


def test_places_that_nobody_reads_are_not_written() -> None:
    assert "argmax" not in translated(One(lambda x: x.max(1).values), drawn()).source
