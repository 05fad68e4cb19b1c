"""PyTorch modules that have their maps' channels last, as Keras models do: each operator on maps stands between two
permutations, which is how a Keras model is said in PyTorch's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from homolog.pytorch.program import trace
from homolog.trace import Trace


def channels_first(x: Tensor) -> Tensor:
    return x.permute(0, x.dim() - 1, *range(1, x.dim() - 1))


def channels_last(x: Tensor) -> Tensor:
    return x.permute(0, *range(2, x.dim()), 1)


class Last(nn.Module):
    """A module on maps, between two permutations."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return channels_last(self.module(channels_first(x)))


class Net(nn.Module):
    """A forward with the modules that it is given by name."""

    def __init__(self, forward: Callable[[Any, Tensor], Any], **modules: nn.Module) -> None:
        super().__init__()
        self.own = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Any:
        return self.own(self, x)


class Scale(nn.Module):
    """A factor for each channel, which may be computed from a parameter."""

    def __init__(self, channels: int, *, positive: bool = False) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.positive = positive

    def forward(self, x: Tensor) -> Tensor:
        return x * (nn.functional.softplus(self.gamma) if self.positive else self.gamma)


class Recurrent(nn.Module):
    """A recurrent layer's sequence."""

    def __init__(self, given: int, hidden: int) -> None:
        super().__init__()
        self.layer = nn.LSTM(given, hidden, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x)[0]
        return result


class Attention(nn.Module):
    """Two heads of three features, with the norm and the sum around them."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.packed, self.back = nn.LayerNorm(6), nn.Linear(6, 18), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.packed(self.norm(x)).chunk(3, -1)
        heads = [part.reshape(x.shape[0], x.shape[1], 2, 3).permute(0, 2, 1, 3) for part in parts]
        found = nn.functional.scaled_dot_product_attention(*heads)
        return x + self.back(found.permute(0, 2, 1, 3).reshape(x.shape))


class Next(nn.Module):
    """A block of ConvNeXt."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = conv(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.wide, self.narrow = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.scale = Scale(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale(self.narrow(nn.functional.gelu(self.wide(self.norm(self.conv(x))))))


def conv(given: int, filters: int, kernel: int = 3, **settings: Any) -> Last:
    """A convolution of images."""
    return Last(nn.Conv2d(given, filters, kernel, **settings))


def conv1d(given: int, filters: int, kernel: int = 3, **settings: Any) -> Last:
    """A convolution of sequences."""
    return Last(nn.Conv1d(given, filters, kernel, **settings))


def traced(module: nn.Module, *shape: int) -> Trace:
    """The trace of a module of one input without its batch."""
    return trace(module.eval(), [np.zeros((2, *shape), np.float32)])
