"""What is said step by step in the source and has one word in Keras; and what only looks like it."""

from __future__ import annotations

import pytest
import torch
from placed import drawn
from translated import ROUNDING, apart, translated

X = drawn((2, 5, 4))


class Norm(torch.nn.Module):
    """A norm by the root of the mean square, step by step."""

    def __init__(self, *, dim: int = -1, square: str = "pow", shift: float = 0.0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(drawn((4,))))
        self.dim, self.square, self.shift = dim, square, shift

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.to(torch.float32)
        squared = {"pow": x.pow(2), "mul": x * x, "cube": x.abs() ** 3, "other": x * x.sin() + x.abs()}[self.square]
        weight = self.weight + self.shift if self.shift else self.weight
        return weight * (x * torch.rsqrt(squared.mean(self.dim, keepdim=True) + 1e-5)).to(x.dtype)


@pytest.mark.parametrize("settings", [{}, {"square": "mul"}, {"dim": 2}])
def test_norm_is_a_layer(settings: dict) -> None:
    assert apart(Norm(**settings), X) < ROUNDING
    assert "layers.RMSNormalization(epsilon=1e-05" in translated(Norm(**settings), X).source


@pytest.mark.parametrize("settings", [{"square": "cube"}, {"square": "other"}, {"dim": 1}, {"shift": 1.0}])
def test_what_only_looks_like_a_norm_is_none(settings: dict) -> None:
    assert apart(Norm(**settings), X) < ROUNDING
    assert "RMSNormalization" not in translated(Norm(**settings), X).source


class Repeated(torch.nn.Module):
    """Heads, each several times; or all of them, several times over."""

    def __init__(self, *, over: bool) -> None:
        super().__init__()
        self.over = over

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, heads, width = x.shape
        wide = x[:, None] if self.over else x[:, :, None]
        shape = (batch, 3, heads, width) if self.over else (batch, heads, 3, width)
        return wide.expand(shape).reshape(batch, 3 * heads, width)


def test_repeated_heads() -> None:
    assert apart(Repeated(over=False), X) == 0
    assert "ops.repeat(x, 3, axis=1)" in translated(Repeated(over=False), X).source
    assert apart(Repeated(over=True), X) == 0
    assert "ops.repeat(" not in translated(Repeated(over=True), X).source


def test_equal_constants_are_one() -> None:
    class Positions(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = torch.nn.ModuleList([torch.nn.Linear(40, 40) for _ in range(2)])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for block in self.blocks:
                x = block(x) * torch.arange(40).sin()
            return x

    wide = drawn((2, 40))
    assert apart(Positions(), wide) < 4 * ROUNDING
    assert translated(Positions(), wide).source.count("trainable=False") <= 1 + 1  # the layer's class, and the constant


class Gate(torch.nn.Module):
    """A module without others in it, of several steps."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(drawn((4,))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.scale * x) + x.abs()


def test_a_module_of_several_steps_that_is_used_again_is_a_function() -> None:
    module = torch.nn.Sequential(Gate(), torch.nn.Linear(4, 4), Gate())
    assert apart(module, X) < ROUNDING
    text = translated(module, X).source
    assert text.count("ops.sigmoid(") == 1
    assert "def gate(" in text
