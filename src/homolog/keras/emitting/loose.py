"""Tensors that no layer of Keras takes for itself: parameters and constants of the source, and rows of zeros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import numpy as np

from homolog.emitting.assembled import Held
from homolog.emitting.statements import Statements
from homolog.emitting.words import refusal, word, written
from homolog.graph import PARAMETER as PARAMETER_KIND
from homolog.graph import Node, OpenShape, Value, Weight
from homolog.keras.emitting.words import DTYPES
from homolog.passes.ways import Order, laid, natural
from homolog.tensors import Array, TensorRef
from homolog.trace import CONSTANT, PARAMETER, Called, Step
from homolog.transforms import Axes

SMALL = 16
"""How many numbers a constant may have that is written into the source; larger ones stand among the weights."""
RANGE = 1 << 12
"""How long a range may be that is written as one: a saved model holds its numbers."""


@dataclass
class Loose(Statements):
    """Statements with the values that they read, wherever these come from.

    Attributes:
        held: every layer that holds weights, by name.
        arrays: what holds numbers that a writer has computed, by the numbers.
        early: for the writers: what was computed early, for several modules read it.
    """

    held: dict[str, Held] = field(default_factory=dict)
    arrays: dict[object, str] = field(default_factory=dict)
    early: dict[object, str] = field(default_factory=dict)

    def expression(self, value: Value, order: Order, step: Step) -> str:
        """The variable that holds a value in an order; it is transposed where it lies in another."""
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
        permutation = tuple(own.index(axis) for axis in order)
        name = self.let(f"ops.transpose({self.variables[value, own]}, {permutation!r})", step)
        self.variables[value, order] = name
        return name

    def widened(self, value: Value, order: Order, step: Step) -> str:
        """A value of fewer axes than an order has, as an operand beside one that lies in this order: with axes of
        length one in front, and transposed."""
        shape = self.trace.shape(value)
        lacking = len(order) - len(shape)
        source = self.trace.steps[value.node]
        if source.operator in (PARAMETER, CONSTANT):
            lying = tuple(cast(int, axis) - lacking for axis in order if cast(int, axis) >= lacking)
            if lying == natural(len(shape)) and _leads(order, lacking):
                return self.expression(value, lying, step)
            return self._free(source, order, step)
        wide = (*(1 for _ in range(lacking)), *shape)
        name = self.expression(value, natural(len(shape)), step)
        full = self.let(f"ops.reshape({name}, {self.shape_text(wide, step)})", step)
        return self.let(f"ops.transpose({full}, {order!r})", step)

    def shape_text(self, shape: OpenShape, step: Step) -> str:
        """A shape as ``ops.reshape`` takes it.

        Raises:
            Unsupported: more than one length is open.
        """
        if sum(length is None for length in shape) > 1:
            found = f"a new shape with several open lengths, {shape}"
            raise refusal(step, "Keras", found, "fix all lengths but the batch")
        return repr(tuple(-1 if length is None else length for length in shape))

    def zeros(self, value: Value, step: Step) -> str:
        """Zeros with a row for each row of the batch, which broadcast to a value of one row."""
        return self._zeros(max(len(self.trace.shape(value)), 1), self.trace.dtype(value), step)

    def for_each_row(
        self,
        text: str,
        rank: int,
        dtype: str,
        step: Step,
        times: int = 1,
        beside: tuple[Value, int] | None = None,
        place: int = 0,
    ) -> str:
        """A value with one row, with as many rows as the batch has, or a multiple, or as another value of as many axes
        has that ``step`` reads.

        The zeros come first, or are taken away: Keras on TensorFlow takes the second of two addends for a bias where it
        has one long axis.

        Args:
            text: of the value.
            rank, dtype: of the value.
            step: that reads it.
            times: how many rows it gets for each of the batch.
            beside: the other value, and the axis along which its rows lie.
            place: where the rows are to lie.
        """
        zeros = self._zeros(rank, dtype, step, beside, place)
        if times > 1:
            zeros = self.let(f"ops.repeat({zeros}, {times}, axis={place})", step)
        if dtype == "bool":
            return self.let(f"ops.logical_or({text}, {zeros})", step)
        return self.let(f"{text} - {zeros}" if place else f"{zeros} + {text}", step)

    def _zeros(self, axes: int, dtype: str, step: Step, beside: tuple[Value, int] | None = None, place: int = 0) -> str:
        """Zeros of so many axes, with the rows of a value at their place and a length of one along all others."""
        anchor, along = beside or (Value(self.trace.inputs[0].name), 0)
        order = self.order(anchor)
        name, lies = self.expression(anchor, order, step), order.index(along)
        rank, own = len(order), self.trace.dtype(anchor)
        if lies or place:
            text = f"{name}[{', '.join(':' if axis == lies else '0' for axis in range(rank))}]" if rank > 1 else name
            shape = tuple(-1 if axis == place else 1 for axis in range(axes))
            text = f"ops.reshape({text}, {shape!r})" if axes > 1 else text
        else:
            lengths = [":1"] * (min(axes, rank) - 1) + ["0"] * (rank - axes) + ["None"] * (axes - rank)
            text = f"{name}[{', '.join((':', *lengths))}]" if lengths else name
        floats = own.startswith("float") and dtype.startswith("float")
        zeros, word = f"ops.zeros_like({text})", DTYPES.get(dtype, dtype)
        return self.let(zeros if floats or own == dtype else f"ops.cast({zeros}, {word!r})", step)

    def _rows_counted(self, value: Value, axis: int, step: Step) -> str:
        """The numbers of the rows along an axis; written where they are needed, for most who index need them not."""
        zeros = self.zeros(value, step)
        name = self.let(f"ops.cumsum({zeros} + 1, axis=0) - 1", step)
        if axis:
            shape = tuple(-1 if place == axis else 1 for place in range(len(self.trace.shape(value))))
            name = self.let(f"ops.reshape({name}, {shape!r})", step)
        self.variables[value, natural(len(self.trace.shape(value)))] = name
        return name

    def _beside(self, step: Step) -> str:
        """A variable that is there when a step is computed: what it reads, what comes into its module or was computed
        last in it, the same of one around it, or the network's first input."""
        for value in step.values():
            name = self.variables.get((value, self.order(value)))
            if name is not None and not self.trace.steps[value.node].static:
                return name
        for call in reversed(step.calls):
            entering = self._entering.get(call)
            name = self.recent.get((call,))
            if entering is not None:
                name = self.variables.get((entering, self.order(entering)))
            if name is not None:
                return name
        return self.anchor

    @cached_property
    def _entering(self) -> Mapping[Called, Value]:
        """For each call of a module the first value that comes into it, which the inputs reach."""
        found: dict[Called, Value] = {}
        for step in self.trace.steps.values():
            for value in step.values():
                source = self.trace.steps[value.node]
                for call in () if source.static else step.calls:
                    if call not in source.calls:
                        found.setdefault(call, value)
        return found

    def _is_spread(self, source: Step) -> bool:
        """Whether calls of several modules read a constant."""
        readers = (step for step in self.trace.steps.values() if Value(source.name) in step.values())
        return len({step.calls[-1:] for step in readers}) > 1

    def loose(self, tensor: TensorRef, step: Step) -> str:
        """The variable that holds a tensor of the source by itself."""
        source = Step(f"parameter {tensor.name}", PARAMETER, shapes=(tensor.shape,), tensor=tensor)
        order = natural(len(tensor.shape))
        return self.variables.get((Value(source.name), order)) or self._parameter(source, order, step)

    def _parameter(self, source: Step, order: Order, step: Step) -> str:
        """A loose parameter in an order; once for the whole model."""
        held = self._again(source, order, step)
        if held is not None:
            return held
        tensor = cast(TensorRef, source.tensor)
        layout = () if order == natural(len(tensor.shape)) else (_axes(order),)
        weight = Weight((tensor,), layout, tensor.trainable is not False)
        node = Node(source.name, PARAMETER_KIND, {}, {"value": weight})
        shape = laid(tensor.shape, order)
        name = self._loose(tensor.name, shape, tensor.dtype, node, None, step)
        self.variables[Value(source.name), order] = name
        return name

    def _again(self, source: Step, order: Order, step: Step) -> str | None:
        """A parameter that is there in another order, put into this one: the model holds it once."""
        value, rank = Value(source.name), len(source.shape)
        found = next(((other, name) for (held, other), name in self.variables.items() if held == value), None)
        if found is None:
            return None
        lying, name = _own(found[0], rank), found[1]
        if len(found[0]) > rank:
            name = self.let(f"ops.reshape({name}, {laid(source.shape, lying)!r})", step)
        wanted = _own(order, rank)
        if lying != wanted:
            name = self.let(f"ops.transpose({name}, {tuple(lying.index(axis) for axis in wanted)!r})", step)
        if len(order) > rank:
            wide = (*(1 for _ in range(len(order) - rank)), *source.shape)
            name = self.let(f"ops.reshape({name}, {laid(wide, order)!r})", step)
        self.variables[value, order] = name
        return name

    def _constant(self, source: Step, order: Order, step: Step) -> str:
        array = np.transpose(cast(Array, source.array), [cast(int, axis) for axis in order])
        return self._fixed(source, array, order, step)

    def fixed(self, name: str, array: Array, step: Step) -> str:
        """A tensor of numbers that a writer has computed; once in each module that needs it."""
        path = step.calls[-1].path if step.calls else ""
        full = f"{path}.{name}" if path else name
        key = (full, array.shape, str(array.dtype), array.tobytes())
        if key not in self.arrays:
            self.arrays[key] = self._fixed(Step(full, CONSTANT), array, natural(array.ndim), step)
        return self.arrays[key]

    def _fixed(self, source: Step, array: Array, key: Order, step: Step) -> str:
        dtype = DTYPES.get(str(array.dtype), str(array.dtype))
        if array.dtype.kind in "iu" and array.size and (array.max() > 2**31 - 1 or array.min() < -(2**31)):
            array = np.clip(array, -(2**31), 2**31 - 1)  # stands for "as far as there is": slices, masks
        if array.size == 1 and array.ndim == 0:
            return word(array.item())
        if step.layer is not None:  # a layer that is called on numbers runs at once, and gives numbers
            name = self._loose(_place(source, step), array.shape, dtype, _nothing(source), array.astype(dtype), step)
        elif array.size <= SMALL:
            name = self.let(f"ops.convert_to_tensor({array.tolist()!r}, dtype={dtype!r})", step)
        elif array.dtype.kind in "iu" and array.size <= RANGE and _is_range(array):
            name = self.let(f"ops.reshape(ops.arange({array.size}, dtype={dtype!r}), {array.shape!r})", step)
        else:
            name = self._loose(_place(source, step), array.shape, dtype, _nothing(source), array.astype(dtype), step)
        self.variables[Value(source.name), key] = name
        return name

    def _free(self, source: Step, order: Order, step: Step) -> str:
        """A parameter or constant with axes of length one in front, laid out for an order of more axes."""
        value = Value(source.name)
        if (value, order) in self.variables:
            return self.variables[value, order]
        lacking = len(order) - len(source.shape)
        if source.operator == CONSTANT:
            wide = cast(Array, source.array)[(np.newaxis,) * lacking]
            return self._fixed(source, np.transpose(wide, [cast(int, axis) for axis in order]), order, step)
        held = self._again(source, order, step)
        if held is not None:
            return held
        tensor = cast(TensorRef, source.tensor)
        names = [f"a{axis}" for axis in range(lacking, len(order))]
        lying = " ".join("1" if cast(int, axis) < lacking else f"a{axis}" for axis in order)
        layout = (Axes(f"{' '.join(names)} -> {lying}"),)
        wide_shape = (*(1 for _ in range(lacking)), *tensor.shape)
        node = Node(
            source.name, PARAMETER_KIND, {}, {"value": Weight((tensor,), layout, tensor.trainable is not False)}
        )
        shape = laid(wide_shape, order)
        name = self._loose(tensor.name, shape, tensor.dtype, node, None, step)
        self.variables[value, order] = name
        return name

    def _loose(self, path: str, shape: OpenShape, dtype: str, node: Node, array: Array | None, step: Step) -> str:
        """A layer that holds one tensor and gives it."""
        name = self.fresh(path)
        trainable = any(weight.trainable for weight in node.weights.values())
        arguments: dict[str, object] = {"0": tuple(shape)}
        if not dtype.startswith("float"):
            arguments["dtype"] = DTYPES.get(dtype, dtype)
        if not trainable:
            arguments["trainable"] = False
        self.held[name] = Held(name, "Parameter", arguments, node, array)
        made = f"Parameter({written({**arguments, 'name': name})})"
        if array is not None and self._is_spread(Step(node.name, CONSTANT)):
            return self.let_behind(self.anchor, f"{made}({self.anchor})")
        around = _around(step, path)
        if around not in (step.calls, step.around):
            return self.let_behind(self.anchor, f"{made}({self.anchor})")  # in front of the call that reads it
        return self.let(f"{made}({self._beside(step)})", replace(step, calls=around))


def _nothing(source: Step) -> Node:
    """A node for what no tensor of the source holds."""
    return Node(source.name, CONSTANT, {}, {})


def _place(source: Step, step: Step) -> str:
    """A path for a constant: that of the buffer it is, or a name in the module that reads it."""
    if source.tensor is not None:
        return source.tensor.name
    return f"{step.around[-1].path}.constant" if step.around else "constant"


def _around(step: Step, path: str) -> tuple[Called, ...]:
    """The calls around a step that a tensor of this path belongs into; none for one that is called again."""
    if any(call.count for call in step.calls):
        return ()
    return tuple(call for call in step.calls if path.startswith(f"{call.path}."))


def _own(order: Order, rank: int) -> Order:
    """An order without the axes that are more than a tensor has, which stand in front."""
    lacking = len(order) - rank
    return tuple(cast(int, axis) - lacking for axis in order if cast(int, axis) >= lacking)


def _axes(order: Order) -> Axes:
    """From the source's order to how it is to lie."""
    lying = " ".join(f"a{axis}" for axis in order)
    return Axes(f"{' '.join(f'a{axis}' for axis in range(len(order)))} -> {lying}")


def _leads(order: Order, lacking: int) -> bool:
    """Whether the axes that a value lacks lie in front."""
    return order[:lacking] == tuple(range(lacking))


def _is_range(array: Array) -> bool:
    return bool((array.reshape(-1) == np.arange(array.size)).all())
