"""What a live model of either framework offers. The two wings implement it; proof and copy use it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from homolog.graph import Framework, Graph, Node, OpenShape
from homolog.plan import Carried
from homolog.signature import Argument, Free, Given
from homolog.tensors import Array, TensorRef
from homolog.trace import Trace

BEFORE_ACTIVATION = ":before activation"
"""Behind a layer's path: what goes into its own activation, where the layer has one built in (Keras)."""


INPUT = ":input"
"""Behind a layer's path: the first thing that goes into the layer."""


@dataclass(frozen=True)
class Run:
    """One forward pass, at inference.

    Attributes:
        outputs: in the framework's own order of axes.
        activations: what the layers that were asked for gave, by path; the first call of each.
        names: of the outputs, where the network has names for them.
        left_out: what the network gave besides, in words: caches, objects that hold no outputs.
        halved: of a pass in float64, whether it is also where the network computes in half precision: how far that
            rounds it does not show.
    """

    outputs: tuple[Array, ...]
    activations: Mapping[str, Array] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    halved: bool = False


@dataclass(frozen=True)
class Gradients:
    """What a loss would change in each tensor that is trained.

    Attributes:
        arrays: by the name of the tensor, in its shape. Each name of a tensor that has several holds the whole.
        precision: what they were computed in, ``float64`` or ``float32``.
    """

    arrays: Mapping[str, Array]
    precision: str


@dataclass(frozen=True)
class Lesson:
    """A few steps of plain gradient descent, on one batch, towards half the mean square of what is off.

    Attributes:
        inputs: of every step.
        targets: what each output should be, in the framework's own order of axes; None where it does not matter.
        steps: how many.
        rate: of a step; None for one that moves the weights by ``STRIDE`` of their length at first.
        shares: for some tensors, how much of that rate they take; they may be held by 0.
    """

    inputs: Given
    targets: Sequence[Array | None]
    steps: int
    rate: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)


STRIDE = 1e-2


@dataclass(frozen=True)
class Trained:
    """A network after a lesson, as a copy of its tensors: the network itself is as it was.

    Attributes:
        arrays: every tensor by name.
        losses: before each step.
        rate: that was taken.
        precision: what it was computed in, ``float64`` or ``float32``.
        silenced: layers that drop or add at random in training, and were kept from it.
    """

    arrays: Mapping[str, Array]
    losses: tuple[float, ...]
    rate: float
    precision: str
    silenced: tuple[str, ...] = ()


def first_rate(weights: Iterable[Array], gradients: Iterable[Array]) -> float:
    """The rate at which a step moves the weights by ``STRIDE`` of their length; 0 where there is no slope."""
    length, slope = (sqrt(sum(float((array.astype(float) ** 2).sum()) for array in of)) for of in (weights, gradients))
    return STRIDE * length / slope if slope > 0 else 0.0


Call = Callable[..., Any]


@dataclass(frozen=True)
class Entry:
    """An input that a model declares.

    Attributes:
        name: as the model calls it.
        shape: None where a length is open.
        dtype: as numpy calls it.
    """

    name: str
    shape: OpenShape
    dtype: str


class Likeness(Protocol):
    """A model of one framework that another computes in its place, layer by layer: how a Keras model is read for
    PyTorch.

    Attributes:
        name: of the model.
        inputs: in order; none where the model does not say.
        names: of the inputs, in order; none where it does not take them by name.
        layers: class of every layer by its path, outer ones first.
        nodes: by path, the layers that are one node of a rule.
        tensors: every variable by name.
        reasons: why some of these hold nothing of the function.
        told: paths of layers that compute as they do on the other framework's backend; calls add to them.
    """

    name: str
    inputs: tuple[Entry, ...]
    names: tuple[str, ...]
    layers: Mapping[str, str]
    nodes: Mapping[str, Node]
    tensors: Mapping[str, TensorRef]
    reasons: Mapping[str, str]
    told: set[str]

    def computing(
        self, around: Callable[[str, Call], Call], amended: Mapping[str, Callable[[Call], Call]]
    ) -> AbstractContextManager[None]:
        """While the body runs, the model computes with the other framework's tensors, and every layer's call goes
        through ``around``.

        Args:
            around: from the path of a layer and its own call, the call in its place.
            amended: by module and function of the backend, from its own function the one in its place.
        """

    def call(self, arguments: Sequence[object], values: Mapping[str, object]) -> object:
        """What the model gives at inference, with these values in its variables' place, by their names.

        Raises:
            Unsupported: it changes its state.
        """

    def activated(self, path: str, value: Any) -> Any:
        """What the activation makes that is built into a layer."""

    def setting(self, path: str, name: str) -> Any:
        """One setting of a layer, None if it has none of that name."""


class Live(Protocol):
    """A model that can be read, run and filled."""

    framework: Framework

    @property
    def model(self) -> object:
        """The framework's own object."""

    def as_trained(self) -> Live:
        """The same model, where what a translation computes as it does (weight norm) is computed, not stored: it is
        trained by what it is computed from."""

    def arguments(self) -> tuple[Argument, ...] | None:
        """What the model can be called with, None if that cannot be told by name."""

    def graph(self, inputs: Given | None = None) -> Graph:
        """The graph of the model; ``inputs`` where it must be traced."""

    def trace(self, inputs: Given, free: Free, written: Collection[str] = (), *, lines: bool = True) -> Trace:
        """What the model computes, step by step, for a batch of any size.

        Args:
            inputs: as for ``run``.
            free: axes besides the batch that stay open too, by the place or name of their input.
            written: operators that the reader of the trace knows, all if none are named.
            lines: whether each step must say which line of the user's source it comes from.

        Raises:
            Unsupported: it cannot be read so.
        """

    def likeness(self) -> Likeness:
        """The model as PyTorch computes in its place.

        Raises:
            Unsupported: it is PyTorch's, or is not built.
        """

    def tensors(self) -> dict[str, TensorRef]:
        """Every tensor of its state by name."""

    def computed(self) -> dict[str, TensorRef]:
        """Weights that its layers compute from tensors of its state, as they are at inference, by the names that its
        graph gives them. They can be read and not filled."""

    def groups(self) -> Mapping[str, Sequence[str]]:
        """Names of each layer's own tensors in the framework's order, by the layer's path."""

    def load_weights(self, file: Path) -> None:
        """Fill the model from a file of weights with the framework's own loader, where names do not tell."""

    def run(
        self, inputs: Given, layers: Iterable[str] = (), instead: Mapping[str, Array] = MappingProxyType({})
    ) -> Run:
        """A forward pass in inference mode, with the activations of some layers.

        Args:
            inputs: in the model's order, or by the names of the nodes that they enter its graph by.
            layers: paths, or paths with ``BEFORE_ACTIVATION`` or ``INPUT`` behind them.
            instead: for some of these, what the layers behind get in place of what the layer gives; what is recorded
                is the layer's own.
        """

    def exact(
        self,
        inputs: Given,
        layers: Iterable[str] = (),
        instead: Mapping[str, Array] = MappingProxyType({}),
        jitter: float = 0.0,
    ) -> Run | None:
        """The same pass in float64; None where the model cannot be run so.

        Args:
            inputs, layers, instead: as for ``run``.
            jitter: how much larger or smaller, by chance, each weight is taken to be, as a share of itself: what comes
                of it says how far rounding alone may move the outputs.
        """

    def gradients(self, inputs: Given, cotangents: Sequence[Array | None], jitter: float = 0.0) -> Gradients:
        """The gradient of the sum of all outputs, each times its cotangent, at inference; in float64 where the model
        can be run so.

        Args:
            inputs: as for ``run``.
            cotangents: one for each output, in the framework's own order of axes; None where it does not count.
            jitter: as for ``exact``; in float64 alone.
        """

    def train(self, lesson: Lesson) -> Trained:
        """What a lesson would make of the model, in training mode; in float64 where it can be run so."""

    def fill(self, arrays: Iterable[tuple[str, Array]]) -> None:
        """Set tensors by name; shapes and dtypes must be theirs."""

    def carry(self, settings: Iterable[Carried]) -> None:
        """Set plain settings of layers, such that the next run, and whoever saves the model, finds them."""

    def save(self, out: Path, form: str) -> None:
        """Write the model with the framework's own writer; ``form`` is a format of ``files``."""
