"""Tensors that a forward makes: nearly all are computed when the model is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from placed import One, Two, behind, drawn, plain
from translated import apart, translated

from homolog.errors import Unsupported

MADE: dict[str, Callable] = {
    "zeros_like": lambda x: torch.zeros_like(x) + x,
    "ones_like": lambda x: torch.ones_like(x) * x,
    "full_like": lambda x: torch.full_like(x, 2.5) - x,
    "returned": lambda x: [torch.ones_like(x), x.new_zeros(x.shape[0], 2)],
    "new": lambda x: [x.new_ones(x.shape[1]).sum() + x, x.new_full((x.shape[0], 1, *x.shape[2:]), 3.0) * x],
    "full": lambda x: torch.full((x.shape[-1],), 0.5) * x,
    "arange": lambda x: torch.arange(x.shape[-1], dtype=torch.float32) * x,
    "linspace": lambda x: torch.linspace(-1, 1, x.shape[-1]) * x,
    "eye": lambda x: torch.eye(x.shape[-1]) @ x.transpose(-1, -2),
    "scalar": lambda x: torch.tensor(2.5) * x,
    "several times the rows": lambda x: x.new_ones(2 * x.shape[0], 3) * torch.cat([x, x]).flatten(1)[:, :3],
    "numbers of the rows": lambda x: torch.arange(x.shape[0]) * 2,
    "fill": lambda x: x.clone().fill_(2.0) + x,
    "filled part": lambda x: torch.where(x > 0, x, torch.empty_like(x).fill_(0.25)),
}


@pytest.mark.parametrize("name", MADE)
def test_made(name: str) -> None:
    plain(MADE[name])
    behind(MADE[name])


def test_an_input_that_nothing_reads_stays() -> None:
    assert apart(Two(lambda x, y: x * 2), drawn(), drawn()) == 0


def test_a_forward_that_gives_no_tensor_is_refused() -> None:
    with pytest.raises(Unsupported, match="gives no tensor"):
        translated(One(lambda x: None), drawn())


@pytest.mark.parametrize("made", [lambda x: torch.ones(2, 3).cos(), lambda x: [x, torch.tensor(2.0)]])
def test_an_output_without_rows_is_refused(made: Callable) -> None:
    with pytest.raises(Unsupported, match="no row for each row"):
        translated(One(made), drawn())


RANDOM: dict[str, Callable] = {
    "rand": lambda x: x + torch.rand(3),
    "rand_like": lambda x: x + torch.rand_like(x),
    "randn": lambda x: x + torch.randn(x.shape[0], 1, 1),
    "randint": lambda x: x + torch.randint(0, 9, (3,)),
    "bernoulli": lambda x: torch.bernoulli(x.sigmoid()),
    "normal": lambda x: torch.normal(x, 1.0),
    "randperm": lambda x: x[:, torch.randperm(5)],
    "multinomial": lambda x: torch.multinomial(x[:, 0].softmax(-1), 1),
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_numbers_at_inference_are_refused(name: str) -> None:
    with pytest.raises(Unsupported, match="random"):
        translated(One(RANDOM[name]), drawn())
