"""An architecture, written twice, and the defects that are put into one of the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, Any]
Weights = dict[str, Array]
Change = Callable[[Weights], None]
"""Changes weights in place, by their names: those of the state dict, or the paths of Keras's variables."""
Side = Literal["torch", "keras"]
ANYWHERE = "*"
"""The place of a defect that is in every layer."""
ENDS = ""
"""The place of a defect at the input or the output of the network, where a cause names no layer."""


@dataclass(frozen=True)
class Mutant:
    """One defect.

    Attributes:
        name: unique in the catalogue.
        words: what was done.
        side: which of the two networks it was done to.
        kinds: the kinds of cause that are right.
        places: the layers that are right, on either side: see ``at``.
        build: arguments for the builder of the side.
        change: what is done to the weights of the correct network.
        steps: of training, where it shows in training alone.
    """

    name: str
    words: str
    side: Side
    kinds: tuple[str, ...]
    places: tuple[str, ...]
    build: Mapping[str, Any] = field(default_factory=dict)
    change: Change | None = None
    steps: int = 0

    def at(self, name: str) -> bool:
        """Whether the name of a layer is the right place.

        It is the path of a module, the name of a Keras layer or of an operation that has neither, as ``places`` has
        it; or what ``place/`` or ``place.`` begins: the activation that a Keras layer has built in, another call of
        a module. The input and the output of the network have names that nobody chose: ``ENDS`` stands for them.
        """
        return any(
            place in (ANYWHERE, name) or (place != ENDS and name.startswith((f"{place}/", f"{place}.")))
            for place in self.places
        )


@dataclass(frozen=True)
class Architecture:
    """A network in both frameworks, and what is done to it.

    Attributes:
        name: for people.
        torch, keras: the builders: they take a size, a width, and what the mutants' ``build`` says.
        inputs: of one batch as PyTorch takes them, by a size and a source of random numbers.
        sizes: what the builders are called with; the mutants take the first.
        mutants: the catalogue.
        gain: what kernels are made larger by, where numbers must grow for a defect to show.
    """

    name: str
    torch: Callable[..., torch.nn.Module]
    keras: Callable[..., Any]
    inputs: Callable[[int, np.random.Generator], tuple[Array, ...]]
    sizes: tuple[Mapping[str, Any], ...]
    mutants: tuple[Mutant, ...]
    gain: float = 1


def images(size: int, random: np.random.Generator) -> tuple[Array, ...]:
    """Two pictures, channels first."""
    return (random.standard_normal((2, 3, size, size)).astype(np.float32),)
