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


class Causal(torch.nn.Module):
    """A convolution of a temporal network, which pads both ends and cuts the last places off."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv1d(5, 6, 3, padding=4, dilation=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)[:, :, :-4].contiguous()


def test_what_is_padded_and_cut_off_is_causal() -> None:
    x = drawn((2, 5, 11))
    assert apart(Causal(), x) < ROUNDING
    source = translated(Causal(), x).source
    assert 'padding="causal"' in source
    assert "[:, :" not in source


class Excited(torch.nn.Module):
    """A factor for each channel, which is said to be as large as the map."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = torch.nn.Conv2d(3, 4, 2), torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        batch, channels = x.shape[:2]
        return x * self.gate(x.mean((2, 3))).view(batch, channels, 1, 1).expand_as(x)


def test_a_factor_for_each_channel_is_neither_moved_nor_repeated() -> None:
    x = drawn((2, 3, 7, 9))
    assert apart(Excited(), x) < ROUNDING
    source = translated(Excited(), x).source
    assert ", (-1, 1, 1, 4))" in source
    assert "ops.transpose" not in source
    assert "ops.tile" not in source


class TimeFirst(torch.nn.Module):
    """Words as a network reads them that has time in front."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = torch.nn.Embedding(9, 4), torch.nn.Parameter(torch.tensor(drawn((5, 1, 4))))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return (self.words(ids.t()) + self.places).transpose(0, 1)


def test_words_are_looked_up_as_they_lie() -> None:
    ids = drawn((2, 5), "int64", 0, 8)
    assert apart(TimeFirst(), ids) < ROUNDING
    assert "ops.transpose" not in translated(TimeFirst(), ids).source
