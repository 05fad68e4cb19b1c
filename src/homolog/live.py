"""What a live model of either framework offers. The two wings implement it; proof and copy use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from homolog.graph import Framework, Graph
from homolog.plan import Carried
from homolog.signature import Argument, Given
from homolog.tensors import Array, TensorRef

BEFORE_ACTIVATION = ":before activation"
"""Behind a layer's path: what goes into its own activation, where the layer has one built in (Keras)."""


@dataclass(frozen=True)
class Run:
    """One forward pass, at inference.

    Attributes:
        outputs: in the framework's own order of axes.
        activations: what the layers that were asked for gave, by path; the first call of each.
        names: of the outputs, where the network has names for them.
        left_out: what the network gave besides, in words: caches, objects that hold no outputs.
    """

    outputs: tuple[Array, ...]
    activations: Mapping[str, Array] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class Live(Protocol):
    """A model that can be read, run and filled."""

    framework: Framework

    @property
    def model(self) -> object:
        """The framework's own object."""

    def arguments(self) -> tuple[Argument, ...] | None:
        """What the model can be called with, None if that cannot be told by name."""

    def graph(self, inputs: Given | None = None) -> Graph:
        """The graph of the model; ``inputs`` where it must be traced."""

    def tensors(self) -> dict[str, TensorRef]:
        """Every tensor of its state by name."""

    def groups(self) -> Mapping[str, Sequence[str]]:
        """Names of each layer's own tensors in the framework's order, by the layer's path."""

    def load_weights(self, file: Path) -> None:
        """Fill the model from a file of weights with the framework's own loader, where names do not tell."""

    def run(self, inputs: Given, layers: Iterable[str] = ()) -> Run:
        """A forward pass in inference mode, with the activations of some layers (see ``BEFORE_ACTIVATION``).

        Inputs come in the model's order, or by the names of the nodes that they enter its graph by.
        """

    def exact(self, inputs: Given) -> Run | None:
        """The same pass in float64; None where the model cannot be run so."""

    def fill(self, arrays: Iterable[tuple[str, Array]]) -> None:
        """Set tensors by name; shapes and dtypes must be theirs."""

    def carry(self, settings: Iterable[Carried]) -> None:
        """Set plain settings of layers, such that the next run, and whoever saves the model, finds them."""

    def save(self, out: Path, form: str) -> None:
        """Write the model with the framework's own writer; ``form`` is a format of ``files``."""
