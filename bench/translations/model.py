"""What a row of the zoo is: how a model is made, and what it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, Any]
Tier = Literal["required", "others"]

TRACED = 2
"""The batch that a translation is traced at."""
OTHER = 3
"""The batch that what was written is run at."""
CHEAP_BYTES, CHEAP_S = 60e6, 60
"""Weights, and seconds of the translation, up to which gradients are compared as well, by a translation of its own."""


@dataclass(frozen=True)
class Entry:
    """One input, without its batch, as the model takes it.

    Attributes:
        shape: channels where the framework has them.
        name: of the input; empty where inputs go in order.
        below: for whole numbers, what they stay below; 0 for normal numbers.
        mask: whole numbers, ones with zeros behind them: how much of each row counts.
        scale: of normal numbers: 255 for a model that begins with its own preprocessing of bytes.
    """

    shape: tuple[int, ...]
    name: str = ""
    below: int = 0
    mask: bool = False
    scale: float = 1

    def array(self, batch: int, seed: int = 0) -> Array:
        """An input of this kind."""
        random = np.random.default_rng(seed)
        if self.mask:
            counts = self.shape[0] - np.arange(batch) % self.shape[0]
            return (np.arange(self.shape[0]) < counts[:, None]).astype(np.int64)
        if self.below:
            return random.integers(0, self.below, (batch, *self.shape))
        return (self.scale * random.standard_normal((batch, *self.shape))).astype(np.float32)


@dataclass(frozen=True)
class Model:
    """One model of the zoo.

    Attributes:
        name: of the row.
        group: the table that the row stands in.
        make: builds the model, with random weights.
        inputs: in the order that it takes them in, all of them named or none.
        tier: whether it is held to.
        reduced: in which way it is smaller than its name says; empty for the whole model.
        refused: whether a clear refusal is what is expected.
        alone: whether it is too large for a neighbour.
        gain: on kernels, for networks that are made with small ones: next to zero every activation is a straight line.
        told: whether ``translate`` is told the inputs; a Keras model mostly says them itself.
    """

    name: str
    group: str
    make: Callable[[], Any]
    inputs: tuple[Entry, ...]
    tier: Tier = "required"
    reduced: str = ""
    refused: bool = False
    alone: bool = False
    gain: float = 1
    told: bool = True

    def arrays(self, batch: int, seed: int = 0) -> list[Array]:
        """Inputs for a call, in the model's order."""
        return [entry.array(batch, seed + place) for place, entry in enumerate(self.inputs)]

    def given(self) -> Sequence[Array | tuple[int, ...]] | dict[str, Array | tuple[int, ...]] | None:
        """What ``homolog.translate`` is told, if anything: shapes, or arrays where whole numbers are among them."""
        if not self.told:
            return None
        plain = not any(entry.below or entry.mask for entry in self.inputs)
        told: list[Array | tuple[int, ...]] = [
            (TRACED, *entry.shape) if plain else entry.array(TRACED, place) for place, entry in enumerate(self.inputs)
        ]
        names = [entry.name for entry in self.inputs]
        return dict(zip(names, told, strict=True)) if all(names) else told

    def takes(self) -> str:
        """Its inputs in words: ``3×224×224``."""
        return ", ".join("×".join(map(str, entry.shape)) for entry in self.inputs)
