"""Arithmetic, comparisons and functions of each number by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from placed import One, behind, drawn, plain
from translated import ROUNDING, apart

ONE: dict[str, Callable] = {
    **{
        name: getattr(torch, name)
        for name in (
            *("exp", "expm1", "exp2", "sin", "cos", "sinh", "cosh", "tanh", "erf", "erfc", "sigmoid", "square", "sinc"),
            *("atan", "asinh", "abs", "neg", "sign", "sgn", "floor", "ceil", "trunc", "round", "frac", "positive"),
            *("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "logical_not", "deg2rad", "rad2deg"),
            *("reciprocal", "tan"),
        )
    },
    **{
        name: lambda x, name=name: getattr(torch, name)(x.abs() + 0.25)
        for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt")
    },
    **{
        name: lambda x, name=name: getattr(torch, name)(x.sigmoid() * 0.875)
        for name in ("asin", "acos", "atanh", "erfinv", "logit")
    },
    "acosh": lambda x: torch.acosh(x.abs() + 1.5),
    "i0": torch.i0,
    "round to decimals": lambda x: torch.round(x * 7, decimals=1),
    "add a number": lambda x: x + 1.5,
    "add a negative number": lambda x: x + -1.5,
    "subtract a negative number": lambda x: x - -2,
    "subtract from": lambda x: 2 - x,
    "subtract from, scaled": lambda x: torch.rsub(x, 2, alpha=3),
    "scaled": lambda x: torch.add(x, x.abs(), alpha=-0.5),
    "divide": lambda x: x / 3,
    "divide a number": lambda x: 3 / (x.abs() + 1),
    "divide and round down": lambda x: torch.div(x, 0.3, rounding_mode="floor"),
    "divide and truncate": lambda x: torch.div(x, 0.3, rounding_mode="trunc"),
    "floor_divide": lambda x: x // 0.7,
    "fmod": lambda x: torch.fmod(x, 0.75),
    "remainder": lambda x: x % -0.75,
    "power": lambda x: x**3,
    "half power": lambda x: x.abs() ** 0.5,
    "power of a number": lambda x: 2.5**x,
    "clamp": lambda x: x.clamp(-0.5, 0.25),
    "clamp from below": lambda x: x.clamp(min=-0.5),
    "clamp from above": lambda x: x.clamp_max(0.5),
    "clamp by values": lambda x: x.clamp(-x.abs() / 2, x.cos()),
    "lerp": lambda x: torch.lerp(x, x.cos(), 0.25),
    "lerp by values": lambda x: torch.lerp(x, x.cos(), x.sin()),
    "addcmul": lambda x: torch.addcmul(x, x.sin(), x.cos(), value=0.5),
    "addcdiv": lambda x: torch.addcdiv(x, x.sin(), x.abs() + 1, value=-2),
    "nan_to_num": lambda x: torch.nan_to_num(x / torch.zeros_like(x), posinf=3, neginf=-2),
    "nan_to_num of nan": lambda x: torch.nan_to_num((x.abs() - 1).log(), nan=5.0),
    "heaviside": lambda x: torch.heaviside(x.relu(), x.new_full((), 0.5)),
    "copysign": lambda x: torch.copysign(x.abs(), x.cos() - 0.5),
    "copysign of a number": lambda x: torch.copysign(x, -2),
    "isclose": lambda x: torch.isclose(x, x * 1.05, rtol=0.1, atol=0.0),
    "compare": lambda x: [x == 0.5, x != 0.5, x < 0.5, x <= 0.5, x > 0.5, x >= 0.5],
    "xlogy": lambda x: torch.xlogy(x.relu(), x.relu()),
    "constant of several axes": lambda x: x * torch.arange(x.shape[-1]) + torch.ones(x.shape[-2], 1),
    "constant of the channels": lambda x: torch.arange(x.shape[1]).reshape(-1, *[1] * (x.dim() - 2)) < x,
}


@pytest.mark.parametrize("name", ONE)
def test_one(name: str) -> None:
    plain(ONE[name])
    behind(ONE[name], bound=2e-5)  # of tangents and powers, which make much of little


@pytest.mark.parametrize("rank", [1, 2])
def test_other_ranks(rank: int) -> None:
    assert apart(One(lambda x: torch.exp(x) * 2 - x), drawn((3, 5)[:rank])) <= ROUNDING
