"""A function of tensors as a module: on its inputs as they are, or behind a convolution, so that they lie with their
channels last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from translated import ROUNDING, apart

Function = Callable[..., Any]

PLAIN = (2, 5, 3)
"""Shape of what a function is given, the batch first; no two lengths are one."""
MAP = (2, 3, 7, 9)
"""Shape of what a convolution is given, which makes of it a map of ``(2, 4, 6, 8)``."""


class Of(torch.nn.Module):
    """A function of one or several inputs."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs)


class One(Of):
    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


class Two(Of):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        return self.function(x, y)


class Three(Of):
    def forward(self, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> Any:
        return self.function(x, y, z)


class Four(Of):
    def forward(self, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor, mask: torch.Tensor) -> Any:
        return self.function(x, y, z, mask)


def apart_by(function: Function, *given: np.ndarray) -> float:
    """How far a function of as many values as are given and its translation lie apart."""
    return apart((One, Two, Three, Four)[len(given) - 1](function), *given)


class Behind(Of):
    """A function of what a convolution gives."""

    def __init__(self, function: Function) -> None:
        super().__init__(function)
        self.conv = torch.nn.Conv2d(MAP[1], 4, 2)

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self.conv(x))


class BehindTwo(Behind):
    """A function of what two convolutions give."""

    def __init__(self, function: Function) -> None:
        super().__init__(function)
        self.other = torch.nn.Conv2d(MAP[1], 4, 2)

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self.conv(x), self.other(x))


def drawn(shape: tuple[int, ...] = PLAIN, dtype: str = "float32", low: int = -7, high: int = 7) -> np.ndarray:
    """Random values: normal ones, integers between two bounds, truth values."""
    random = np.random.default_rng(0)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype.startswith("float"):
        return random.standard_normal(shape).astype(dtype)
    made = random.integers(low, high + 1, shape).astype(dtype)
    made.flat[0], made.flat[1] = low, high  # what is run is drawn between the smallest and the largest
    return made


def plain(function: Function, *dtypes: str, low: int = -7, high: int = 7, shape: tuple[int, ...] = PLAIN) -> None:
    """Check a function of one value, or of two, of these element types."""
    kinds = dtypes or ("float32",)
    torch.manual_seed(0)
    module = (One if len(kinds) == 1 else Two)(function)
    given = [drawn(shape, kind, low, high) for kind in kinds]
    assert apart(module, *given) <= ROUNDING


def behind(function: Function, values: int = 1, *, bound: float = 4 * ROUNDING) -> None:
    """Check a function of one map, or of two, that lie with their channels last."""
    torch.manual_seed(0)
    assert apart((Behind if values == 1 else BehindTwo)(function), drawn(MAP)) <= bound
