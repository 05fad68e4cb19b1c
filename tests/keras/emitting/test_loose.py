"""Tensors that no layer takes for itself: each is there once, however its axes are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import ROUNDING, apart, translated
from torch import nn

IMAGE = np.random.default_rng(0).standard_normal((2, 3, 5, 7)).astype(np.float32)


def beside_a_map(y: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return (y * p).mean((2, 3)).sum(1, keepdim=True)


def by_itself(y: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return (2 * p + p.square()).sum((0, 1))[None]


def beside_a_map_turned(y: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return (y.transpose(2, 3) * p.transpose(1, 2)).amax((1, 2))


def beside_several_maps(y: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return (torch.relu(y) + p[None]).mean((1, 2, 3))[:, None]


READ: tuple[Callable[..., torch.Tensor], ...] = (beside_a_map, by_itself, beside_a_map_turned, beside_several_maps)


class Reading(nn.Module):
    """A parameter that is read in one way after another."""

    def __init__(self, *ways: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.ways = nn.Conv2d(3, 4, 1), ways
        self.p = nn.Parameter(torch.randn(4, 5, 7))

    def forward(self, x: torch.Tensor) -> Any:
        y = self.conv(x)
        found = [way(y, self.p) for way in self.ways]
        return [(item if item.shape[0] == x.shape[0] else item + y.mean((1, 2, 3))[:, None]) for item in found]


@pytest.mark.parametrize("second", READ, ids=lambda way: way.__name__)
@pytest.mark.parametrize("first", READ, ids=lambda way: way.__name__)
def test_a_parameter_is_held_once_in_whatever_order_it_is_read(
    first: Callable[..., torch.Tensor], second: Callable[..., torch.Tensor]
) -> None:
    module = Reading(first, second)
    assert apart(module, IMAGE) < ROUNDING
    found = translated(module, IMAGE)
    assert found.source.count("Parameter((") == 1, found.source
    trained = sum(int(np.prod(variable.shape)) for variable in found.model.trainable_variables)
    assert trained == sum(parameter.numel() for parameter in module.parameters())
