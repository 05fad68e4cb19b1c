"""A network as the steps that it computes, complete enough to be written anew.

A ``Graph`` holds what two networks have in common and is made to be matched; a ``Trace`` leaves nothing out. Its
words are those of the Core ATen operators, as a rule's own words are PyTorch's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from homolog.graph import Node, OpenShape, Value
from homolog.tensors import Array, TensorRef

INPUT = "input"
PARAMETER = "parameter"
CONSTANT = "constant"
BATCH = "batch"
"""The number of rows in the text of an open number."""
END = 2**62
"""From here on the end of a slice says "as far as there is"."""


@dataclass(frozen=True)
class Open:
    """A number that the inputs tell when the network runs: a length, or what is computed from some.

    Attributes:
        text: of the number, as Python's arithmetic says it: ``2*batch``, ``(length - 1)//2 + 1``.
        at_one: the number, where the batch has one row.
        batches: whether the batch is all that it depends on.
    """

    text: str
    at_one: int | None = None
    batches: bool = True


@dataclass(frozen=True)
class Called:
    """One call of a module.

    Attributes:
        path: of the module.
        type: name of its class, with its package.
        count: how often it had been called before.
        inner: whether it is made of other modules.
    """

    path: str
    type: str
    count: int = 0
    inner: bool = True


@dataclass(frozen=True)
class Step:
    """One operator, or where a value comes from: an input, a parameter, a constant.

    Attributes:
        name: unique in its trace.
        operator: of ATen, without overload: ``add``, ``conv2d``, of what works in place the functional one.
        overload: ``Tensor``, ``dim_IntList``; empty for the default.
        arguments: by the names of the operator's schema and in its order, defaults included. Tensors are ``Value``,
            open numbers ``Open``, element types words. Of an input what the user said of its numbers.
        shapes: one for each output, None for what is open.
        open: one for each output: what each open length is, as the text of an ``Open``; empty for a known one.
        dtypes: one for each output.
        layer: the same as a node of a rule, where it is one that holds weights.
        calls: the calls of modules that it stands in, outermost first, without the network's own.
        where: place in the user's source.
        static: whether nothing of the inputs but their shapes is in its values. Where an axis is open, all rows are
            alike (``alike``), and it can be computed for a batch of one.
        alike: see there.
        rows: the axis along which it would have a row for each of the batch, where it is there once for all.
        counted: for what numbers the rows of the batch, 0, 1, 2 …, the axis along which it does.
        array: what a constant holds.
        tensor: what a parameter is.
    """

    name: str
    operator: str
    overload: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    shapes: tuple[OpenShape, ...] = ()
    dtypes: tuple[str, ...] = ()
    layer: Node | None = None
    calls: tuple[Called, ...] = ()
    where: str = ""
    static: bool = False
    alike: bool = True
    rows: int = 0
    counted: int | None = None
    array: Array | None = None
    tensor: TensorRef | None = None
    open: tuple[tuple[str, ...], ...] = ()

    @property
    def shape(self) -> OpenShape:
        """Of the first output."""
        return self.shapes[0]

    @property
    def around(self) -> tuple[Called, ...]:
        """The calls of modules made of others that it stands in: those that are written as calls."""
        return tuple(call for call in self.calls if call.inner)

    def values(self) -> Iterator[Value]:
        """The values that it reads, in order."""
        yield from values_in(self.arguments)


def values_in(argument: object) -> Iterator[Value]:
    """Every value in an argument, in order."""
    if isinstance(argument, Value):
        yield argument
    elif isinstance(argument, Mapping):
        for item in argument.values():
            yield from values_in(item)
    elif isinstance(argument, list | tuple):
        for item in argument:
            yield from values_in(item)


def replaced(argument: object, change: Callable[[Value], object]) -> object:
    """The argument with every value in it changed."""
    if isinstance(argument, Value):
        return change(argument)
    if isinstance(argument, Mapping):
        return {key: replaced(item, change) for key, item in argument.items()}
    if isinstance(argument, list | tuple):
        return type(argument)(replaced(item, change) for item in argument)
    return argument


@dataclass(frozen=True)
class Trace:
    """A network, step by step.

    Attributes:
        framework: where it comes from.
        steps: by name, in the order in which they are computed.
        outputs: what it returns, by the names that lead to each.
        ignored: tensors of the source that hold nothing of the function, with the reason.
        silent: modules that did nothing while it was traced, by path, with their class.
        name: of the network.
        lengths: by the names in the text of open numbers, which input has the length, and along which axis.
    """

    framework: Literal["pytorch", "keras"]
    steps: Mapping[str, Step]
    outputs: Mapping[str, Value]
    ignored: Mapping[TensorRef, str] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)
    name: str = "model"
    lengths: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[Step, ...]:
        """The network's inputs, in order."""
        return tuple(step for step in self.steps.values() if step.operator == INPUT)

    def shape(self, value: Value) -> OpenShape:
        """Of a value."""
        return self.steps[value.node].shapes[value.index]

    def open(self, value: Value) -> tuple[str, ...]:
        """What each open length of a value is."""
        return self.steps[value.node].open[value.index]

    def batch_axis(self, value: Value) -> int | None:
        """The first axis along which a value's length is told by the number of rows; None where there is none."""
        return next((axis for axis, text in enumerate(self.open(value)) if BATCH in re.findall(r"\w+", text)), None)

    def dtype(self, value: Value) -> str:
        """Of a value."""
        return self.steps[value.node].dtypes[value.index]

    def readers(self) -> dict[Value, list[Step]]:
        """For each value the steps that read it."""
        found: dict[Value, list[Step]] = {}
        for step in self.steps.values():
            for value in dict.fromkeys(step.values()):
                found.setdefault(value, []).append(step)
        return found
