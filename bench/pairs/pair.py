"""What a pair is: the same network twice, and what is known to be different."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import torch

Direction = Literal["to-keras", "to-torch"]
DIRECTIONS: tuple[Direction, ...] = ("to-keras", "to-torch")


@dataclass(frozen=True)
class Input:
    """One input, as the torch side takes it.

    Attributes:
        shape: the batch in front, images channels first.
        below: for whole numbers, what they stay below; 0 for standard normal numbers.
    """

    shape: tuple[int, ...]
    below: int = 0

    def array(self, seed: int = 0) -> np.ndarray[Any, Any]:
        """An input of this kind."""
        random = np.random.default_rng(seed)
        if self.below:
            return random.integers(0, self.below, self.shape)
        return random.standard_normal(self.shape).astype(np.float32)


@dataclass(frozen=True)
class Pair:
    """A pair. The factories take no arguments, so that each run of a pair builds what it needs and no more.

    Attributes:
        name: of the pair.
        torch, keras: build the two, with random weights.
        inputs: of the torch side; none where homolog is to find out by itself.
        known: settings in which the two are known to be different functions; each must be named.
        visible: whether what is known to differ moves the outputs by more than the tolerance.
        gain: on kernels, for networks that are made with small ones: next to zero every activation is a straight line.
        oracle: converts the torch side to Keras by another project's code: module and an empty folder in, the
            weights of the Keras side by path out.
    """

    name: str
    torch: Callable[[], torch.nn.Module]
    keras: Callable[[], Any]
    inputs: tuple[Input, ...] = ()
    known: tuple[str, ...] = ()
    visible: bool = True
    gain: float = 1
    oracle: Callable[[Any, Path], dict[str, np.ndarray[Any, Any]]] | None = None
