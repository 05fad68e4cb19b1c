"""What comes of writing a trace: statements, and the layers that hold the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from homolog.graph import Framework, Node, OpenShape
from homolog.passes.ways import Order
from homolog.tensors import Array
from homolog.writing import Program
from homolog.writing.statement import Classes


@dataclass(frozen=True)
class Held:
    """A layer that holds weights.

    Attributes:
        name: of the layer.
        cls: its class, with the package: ``layers.Dense``, ``nn.Linear``; ``Parameter`` for a tensor by itself.
        arguments: that it is made with, its name left out.
        node: what it holds, in the words of its rule.
        array: for a constant what it holds; no tensor of the source does.
    """

    name: str
    cls: str
    arguments: Mapping[str, object]
    node: Node
    array: Array | None = None


@dataclass(frozen=True)
class Assembled:
    """A model that is yet to be put into readable source.

    Attributes:
        program: flat statements.
        inputs: for each input the statement's variable, and what is said of it: the arguments of ``keras.Input``.
        outputs: names of the outputs, in the order of the program's.
        held: every layer that holds weights, by name.
        shared: of these, those that are called more than once: they are made first.
        orders: of every step by its name, and of the outputs by theirs.
        placed: which layer a step became, by the step's name.
        notes: settings of training that the target's layers do not have.
        framework: the target.
        shapes: of the outputs, by name, as they lie.
        classes: for PyTorch the text of the classes, in which every module has the name that it is held by.
    """

    program: Program
    inputs: Mapping[str, Mapping[str, object]]
    outputs: tuple[str, ...]
    held: Mapping[str, Held]
    shared: tuple[str, ...]
    orders: Mapping[str, Order]
    placed: Mapping[str, str]
    notes: tuple[str, ...] = ()
    framework: Framework = "keras"
    shapes: Mapping[str, OpenShape] = field(default_factory=dict)
    classes: Classes | None = None
