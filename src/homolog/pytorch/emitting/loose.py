"""Tensors that no module of PyTorch takes for itself: parameters and constants of the source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import numpy as np

from homolog.emitting.assembled import Held
from homolog.emitting.statements import Statements
from homolog.emitting.words import refusal, word
from homolog.graph import PARAMETER as PARAMETER_KIND
from homolog.graph import Node, Value, Weight
from homolog.passes.ways import Order, natural
from homolog.tensors import Array, Shape, TensorRef
from homolog.trace import BATCH, CONSTANT, PARAMETER, Called, Open, Step
from homolog.transforms import Axes

SMALL = 16
"""How many numbers a constant may have that is written into the source; larger ones stand among the weights."""
ARITHMETIC = {"Max": "max", "Min": "min"}
"""Functions of open numbers, as Python has them."""


@dataclass
class Loose(Statements):
    """Statements with the values that they read, wherever these come from.

    Attributes:
        held: every module and tensor that holds weights, by name.
        tensors: names of the tensors that belong to no module, and what makes them, by what they hold.
        read: the variables that hold these, or rows of them, by the calls of modules in which they were read.
    """

    held: dict[str, Held] = field(default_factory=dict)
    tensors: dict[object, tuple[str, str]] = field(default_factory=dict)
    read: dict[object, str] = field(default_factory=dict)

    def expression(self, value: Value, order: Order, step: Step) -> str:
        """The variable that holds a value in an order; it is permuted where it lies in another."""
        if (value, order) in self.variables:
            return self.variables[value, order]
        source = self.trace.steps[value.node]
        if source.counted is not None:
            return self._rows_counted(value, source.counted, step)
        if source.operator == PARAMETER:
            return self._parameter(source, order, step)
        if source.operator == CONSTANT:
            return self._constant(source, order, step)
        own = self.order(value)
        if own == order:
            return self.variables[value, own]
        places = ", ".join(str(own.index(axis)) for axis in order)
        name = self.let(f"{self.variables[value, own]}.permute({places})", step)
        self.variables[value, order] = name
        return name

    def widened(self, value: Value, order: Order, step: Step) -> str:
        """A value of fewer axes than an order has, as an operand beside one that lies in this order: with axes of
        length one in front, and permuted."""
        shape = self.trace.shape(value)
        lacking = len(order) - len(shape)
        lying = [cast(int, axis) for axis in order]
        last = next((place for place, axis in enumerate(lying) if axis >= lacking and shape[axis - lacking] != 1), None)
        own = tuple(axis - lacking for axis in lying if axis >= lacking)
        if last is None or all(axis >= lacking for axis in lying[last:]):  # what it lacks lies in front of it
            return self._trimmed(value, own, lying, lacking, step)
        name = self.expression(value, own, step)
        parts = ["None" if axis < lacking else ":" for axis in lying[last:]]
        return self.let(f"{name}[{', '.join(parts)}]", step)

    def _trimmed(self, value: Value, own: Order, lying: list[int], lacking: int, step: Step) -> str:
        """A value whose own axes lie behind those that it lacks, but for axes of length one."""
        name = self.expression(value, own, step)
        behind = next((place for place, axis in enumerate(lying) if axis >= lacking), len(lying))
        parts = ["None" if axis < lacking else ":" for axis in lying[behind:]]
        return self.let(f"{name}[{', '.join(parts)}]", step) if "None" in parts else name

    def fresh(self, path: str) -> str:
        """A path for a module or tensor that no other has."""
        plain = name = ".".join(re.sub(r"\W", "_", part) for part in re.split(r"[./]", path) if part) or "layer"
        place = 2
        while name in self.names:
            name = f"{plain}_{place}"
            place += 1
        self.names.add(name)
        return name

    def length(self, length: Open, step: Step) -> str:
        """An open length as the arithmetic of the shapes that tell it.

        Raises:
            Unsupported: an input does not tell it.
        """

        def told(name: str) -> str:
            if name == BATCH:
                return self.rows(step)
            if name in ARITHMETIC:
                return ARITHMETIC[name]
            if name not in self.trace.lengths:
                help = "fix all lengths but the batch"
                raise refusal(step, "PyTorch", f"the open length {length.text} as a number", help)
            source, axis = self.trace.lengths[name]
            order = self.orders[source]
            return f"{self.variables[Value(source), order]}.shape[{order.index(axis)}]"

        return re.sub(r"[A-Za-z_]\w*", lambda found: told(found[0]), length.text)

    def rows(self, step: Step) -> str:
        """The number of rows of the batch."""
        first = next((found for found in self.trace.inputs if found.shape[:1] == (None,)), None)
        if first is None:
            raise refusal(step, "PyTorch", "the number of rows of a batch, where no input has one")
        order = self.orders[first.name]
        return f"{self.variables[Value(first.name), order]}.shape[{order.index(0)}]"

    def for_each_row(self, text: str, rank: int, step: Step, axis: int = 0) -> str:
        """A value whose axis of rows has one, with as many as the batch has."""
        key = (text, axis, step.around)
        if key not in self.read:
            lengths = ["-1"] * rank
            lengths[axis] = self.rows(step)
            self.read[key] = self.let(f"{text}.expand({', '.join(lengths)})", step)
        return self.read[key]

    def _rows_counted(self, value: Value, axis: int, step: Step) -> str:
        """The numbers of the rows along an axis; written where they are needed, for most who index need them not."""
        text = f"torch.arange({self.rows(step)}, device={self.anchor}.device)"
        behind = len(self.trace.shape(value)) - axis - 1
        name = self.let(f"{text}[:{', None' * behind}]" if behind else text, step)
        self.variables[value, natural(len(self.trace.shape(value)))] = name
        return name

    def loose(self, tensor: TensorRef, step: Step) -> str:
        """The variable that holds a tensor of the source by itself."""
        source = Step(f"parameter {tensor.name}", PARAMETER, shapes=(tensor.shape,), tensor=tensor)
        return self._parameter(source, natural(len(tensor.shape)), step)

    def _parameter(self, source: Step, order: Order, step: Step) -> str:
        """A loose parameter in an order; once for the whole model."""
        tensor = cast(TensorRef, source.tensor)
        key = (source.name, order)
        if key not in self.tensors:
            layout = () if order == natural(len(tensor.shape)) else (_axes(order),)
            weight = Weight((tensor,), layout, tensor.trainable is not False)
            kind = "nn.Parameter" if weight.trainable and "float" in tensor.dtype else "Buffer"
            node = Node(source.name, PARAMETER_KIND, {}, {"value": weight})
            self.tensors[key] = self._tensor(tensor.name, kind, _empty(weight.shape, tensor.dtype), node)
        return self._reading(key, step)

    def _constant(self, source: Step, order: Order, step: Step) -> str:
        array = np.transpose(cast(Array, source.array), [cast(int, axis) for axis in order])
        state = "" if source.tensor else self._state(array, step)
        return state or self._fixed(_place(source, step), array, (source.name, order), step)

    def _state(self, array: Array, step: Step) -> str:
        """The zeros with which a module begins that is called time and again, and then takes what it gave; a variable
        of the module around it, for so all calls are alike. Empty for any other constant."""
        paths = tuple(call.path for call in step.around)
        depths = [depth for depth in range(len(paths) + 1) if paths[:depth] in self.again]
        if not depths or array.any() or not array.ndim:
            return ""
        around = step.around[: depths[-1]]
        key = ("state", around, array.shape, str(array.dtype))
        if key not in self.read:
            like = self._beside(around, str(array.dtype))
            if not like:
                return ""
            zeros = f"{like}.new_zeros({_lengths(array.shape)})"
            self.read[key] = self.let_in_front(zeros, replace(step, calls=around))
        return self.read[key]

    def _beside(self, around: tuple[Called, ...], dtype: str) -> str:
        """A variable of this element type that was made in a call; empty if there is none. One that lies in another
        order than its step's was made where that was asked for, perhaps in a call behind."""
        for (value, order), name in reversed(self.variables.items()):
            found = self.trace.steps[value.node]
            if found.around == around and found.dtypes[value.index] == dtype and order == self.order(value):
                return name
        return ""

    @cached_property
    def again(self) -> Set[tuple[str, ...]]:
        """Which modules call another one more than once in one call of theirs: the paths from the root to each."""
        arounds = (step.around for step in self.trace.steps.values())
        calls = {around[: depth + 1] for around in arounds for depth in range(len(around))}
        times = Counter((call[:-1], call[-1].path) for call in calls)
        return {tuple(call.path for call in around) for (around, _), count in times.items() if count > 1}

    def number(self, name: str, array: Array, step: Step) -> str:
        """A single number as a tensor without axes."""
        key = (name, ())
        if key not in self.tensors:
            self.tensors[key] = self._buffer(name, array)
        return self._reading(key, step)

    def fixed(self, name: str, array: Array, step: Step) -> str:
        """A tensor of numbers that a writer has computed; once in each module that needs it."""
        path = step.calls[-1].path if step.calls else ""
        full = f"{path}.{name}" if path else name
        return self._fixed(full, array, (full, array.shape, str(array.dtype), array.tobytes()), step)

    def _fixed(self, path: str, array: Array, key: object, step: Step) -> str:
        if array.ndim == 0 and step.layer is None:
            return word(array.item())
        if key not in self.tensors:
            self.tensors[key] = self._buffer(path, array)
        return self._reading(key, step)

    def _buffer(self, path: str, array: Array) -> tuple[str, str]:
        """Name and making of a constant: its numbers stand in the source where they are few."""
        said = _said(array)
        if said:
            return self.fresh(path), f"Buffer({said}, persistent=False)"
        return self._tensor(path, "Buffer", _empty(array.shape, str(array.dtype)), Node(path, CONSTANT, {}, {}), array)

    def _tensor(self, path: str, kind: str, empty: str, node: Node, array: Array | None = None) -> tuple[str, str]:
        name = self.fresh(path)
        self.held[name] = Held(name, kind, {}, node, array)
        return name, f"{kind}({empty})"

    def _reading(self, key: object, step: Step) -> str:
        """The variable of a tensor that belongs to no module, read where it is needed."""
        place = (key, step.around)
        if place not in self.read:
            self.read[place] = self.made("made", step, *self.tensors[key])
        return self.read[place]


def _empty(shape: Shape, dtype: str) -> str:
    lengths = ", ".join(map(str, shape)) if shape else "()"
    return f"torch.empty({lengths})" if dtype == "float32" else f"torch.empty({lengths}, dtype=torch.{dtype})"


def _listed(array: Array) -> str:
    text = repr(array.tolist())
    return (
        text.replace("-inf", 'float("-!")')
        .replace("inf", 'float("inf")')
        .replace("-!", "-inf")
        .replace("nan", 'float("nan")')
    )


def _said(array: Array) -> str:
    """What makes a constant, where it can be said in a few words; empty where it cannot."""
    dtype = str(array.dtype)
    if array.size > 1 and dtype == "int64" and _is_range(array):
        return f"torch.arange({array.size})" + (f".reshape({_lengths(array.shape)})" if array.ndim > 1 else "")
    if array.ndim and array.size and (array == array.flat[0]).all():
        kind = "" if dtype == "float32" else f", dtype=torch.{dtype}"
        first = array.flat[0].item()
        if first in (0, 1):
            return f"torch.{'ones' if first else 'zeros'}({_lengths(array.shape)}{kind})"
        return f"torch.full({array.shape!r}, {word(first)}{kind})"
    if array.size <= SMALL:
        kind = "" if dtype in ("float32", "int64", "bool") else f", dtype=torch.{dtype}"
        return f"torch.tensor({_listed(array)}{kind})"
    return ""


def _lengths(shape: Shape) -> str:
    return ", ".join(map(str, shape))


def _place(source: Step, step: Step) -> str:
    """A path for a constant: that of the buffer it is, or a name in the module that reads it."""
    if source.tensor is not None:
        return source.tensor.name
    return f"{step.around[-1].path}.constant" if step.around else "constant"


def _axes(order: Order) -> Axes:
    """From the source's order to how it is to lie."""
    lying = " ".join(f"a{axis}" for axis in order)
    return Axes(f"{' '.join(f'a{axis}' for axis in range(len(order)))} -> {lying}")


def _is_range(array: Array) -> bool:
    return bool((array.reshape(-1) == np.arange(array.size)).all())
