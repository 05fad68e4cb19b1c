"""A network of a thousand tensors in both: equal towers side by side, for Keras walks a model by recursion."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

TOWERS, BLOCKS = 20, 8
TENSORS = TOWERS * (2 + 6 * BLOCKS)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4, eps=1e-3)
        self.dense = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.tanh(self.dense(self.norm(x)))


class Towers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.towers = nn.ModuleList(
            nn.Sequential(nn.Linear(3, 4), *(Block() for _ in range(BLOCKS))) for _ in range(TOWERS)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([tower(x) for tower in self.towers], -1)


def keras_towers() -> Any:
    """The same network; its towers are made from the last to the first."""
    import keras
    from keras import layers

    entry = keras.Input((3,))
    towers = []
    for _ in range(TOWERS):
        x = layers.Dense(4)(entry)
        for _ in range(BLOCKS):
            x = layers.Add()([layers.Dense(4, activation="tanh")(layers.BatchNormalization()(x)), x])
        towers.append(x)
    return keras.Model(entry, layers.Concatenate()(towers[::-1]))
