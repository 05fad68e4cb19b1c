"""A trace → flat statements of a Keras model, and the layers that hold its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from homolog.errors import Unsupported
from homolog.graph import PARAMETER as PARAMETER_KIND
from homolog.graph import Node, OpenShape, Value, Weight
from homolog.keras.emitting import operators
from homolog.keras.emitting.call import DTYPES, Call, written
from homolog.keras.emitting.names import clashing, given_by_keras, identifier
from homolog.keras.emitting.refused import REFUSED
from homolog.keras.emitting.registry import WRITERS
from homolog.passes.orders import orders
from homolog.passes.simpler import simpler
from homolog.passes.ways import Order, laid, natural
from homolog.tensors import Array, TensorRef
from homolog.trace import CONSTANT, INPUT, PARAMETER, Called, Step, Trace
from homolog.transforms import Axes, Part
from homolog.writing import Call as Scope
from homolog.writing import Program, Statement

__all__ = ["Assembled", "Held", "assemble", "operators"]

SMALL = 16
"""How many numbers a constant may have that is written into the source; larger ones stand among the weights."""
RANGE = 1 << 12
"""How long a range may be that is written as one: a saved model holds its numbers."""


@dataclass(frozen=True)
class Held:
    """A layer that holds weights.

    Attributes:
        name: of the layer.
        cls: its class, with the package: ``layers.Dense``, ``Parameter``.
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
        inputs: for each input the statement's variable and the arguments of ``keras.Input``.
        outputs: names of the outputs, in the order of the program's.
        held: every layer that holds weights, by name.
        shared: of these, those that are called more than once: they are made first.
        orders: of every step by its name, and of the outputs by theirs.
        placed: which layer a step became, by the step's name.
        notes: settings of training that Keras's layers do not have.
    """

    program: Program
    inputs: Mapping[str, Mapping[str, object]]
    outputs: tuple[str, ...]
    held: Mapping[str, Held]
    shared: tuple[str, ...]
    orders: Mapping[str, Order]
    placed: Mapping[str, str]
    notes: tuple[str, ...] = ()


def assemble(trace: Trace, *, keep_layout: bool = False) -> Assembled:
    """Every step of a trace as statements of a Keras model.

    Args:
        trace: of the source.
        keep_layout: leave inputs and outputs in the source's order of axes.

    Raises:
        Unsupported: operators that cannot be written, all of them, with the places they come from.
    """
    trace = simpler(trace)
    refuse_unknown(trace)
    found = orders(trace, keep=keep_layout)
    made = Assembler(trace, found).assembled()
    given = given_by_keras(statement.expression for statement in made.program.statements)
    reserved = clashing(made.held, given)
    return Assembler(trace, found, reserved=reserved).assembled() if reserved else made


def refuse_unknown(trace: Trace) -> None:
    """Refuse operators that nobody writes, and networks that give nothing.

    Raises:
        Unsupported: with the list of these operators.
    """
    if not trace.outputs:
        raise Unsupported(
            "the network gives no tensor",
            where=trace.name,
            expected="a forward that returns a tensor, or a tuple, list or dict of some",
        )
    known = {INPUT, PARAMETER, CONSTANT, *WRITERS}
    unknown = [step for step in trace.steps.values() if step.operator not in known and step.counted is None]
    if unknown:
        counts = Counter(step.operator for step in unknown)
        places = {step.operator: step.where or step.name for step in reversed(unknown)}
        raise Unsupported(
            "the model uses operators that homolog does not write for Keras",
            where=trace.name,
            found=", ".join(counts),
            details=[
                f"{name} ({count}×), first at {places[name]}{f': {REFUSED[name]}' if name in REFUSED else ''}"
                for name, count in counts.items()
            ],
            help="say these parts of the forward otherwise, or open an issue with this list",
        )


@dataclass
class Assembler:
    """What the writers write into."""

    trace: Trace
    orders: Mapping[str, Order]
    statements: list[Statement] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
    variables: dict[tuple[Value, Order], str] = field(default_factory=dict)
    layers: dict[tuple[object, str, str], str] = field(default_factory=dict)
    made: dict[object, str] = field(default_factory=dict)
    early: dict[object, str] = field(default_factory=dict)
    recent: dict[tuple[Called, ...], str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    reserved: Set[str] = frozenset()
    anchor: str = ""
    count: int = 0
    notes: dict[str, None] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)
    calls_of: Counter[object] = field(default_factory=Counter)

    def assembled(self) -> Assembled:
        inputs: dict[str, Mapping[str, object]] = {}
        self._count_calls()
        for step in self.trace.inputs:
            variable = identifier(step.name)
            self.variables[Value(step.name), self.orders[step.name]] = variable
            self.anchor = self.anchor or variable
            inputs[variable] = self._input(step)
        for step in self.trace.steps.values():
            if step.operator not in (INPUT, PARAMETER, CONSTANT) and step.counted is None:
                self._write(step)
        results = []
        last = list(self.trace.steps.values())[-1]
        for value in self.trace.outputs.values():
            step = replace(last, calls=())
            results.append(self._output(value, step))
        program = Program(tuple(inputs), tuple(self.statements), tuple(results))
        shared = tuple(name for (identity, *_), name in self.layers.items() if self.calls_of[identity] > 1)
        ends = {**self.orders, **{name: self.order(value) for name, value in self.trace.outputs.items()}}
        return Assembled(
            program, inputs, tuple(self.trace.outputs), self.held, shared, ends, self.placed, tuple(self.notes)
        )

    def _count_calls(self) -> None:
        for step in self.trace.steps.values():
            if step.layer is not None:
                self.calls_of[_identity(step.layer)] += 1

    def _input(self, step: Step) -> dict[str, object]:
        shape = laid(step.shape, self.orders[step.name])
        if not shape:
            raise Unsupported("an input without axes has no batch, which Keras asks of every input", where=step.name)
        dtype = DTYPES.get(step.dtypes[0], step.dtypes[0])
        given: dict[str, object] = {"shape": tuple(shape[1:])}
        if shape[0] is not None:
            given = {"batch_shape": tuple(shape)}
        return {**given, **({} if dtype == "float32" else {"dtype": dtype}), "name": identifier(step.name)}

    def _output(self, value: Value, step: Step) -> str:
        """An output; one that does not depend on the inputs' values is repeated for every row."""
        source = self.trace.steps[value.node]
        expression = self.expression(value, self.order(value), step)
        shape = self.trace.shape(value)
        if source.static and shape[:1] not in ((None,), (1,)):
            raise Unsupported(
                "an output has no row for each row of the batch",
                where=source.where or source.name,
                expected="outputs that the inputs reach, or that are repeated for every row",
                found=f"a tensor of shape {shape} that is the same for all inputs",
                help="leave it out of what forward returns",
            )
        if not source.static:
            return expression
        return self.for_each_row(expression, len(self.trace.shape(value)), self.trace.dtype(value), step)

    def _write(self, step: Step) -> None:
        call = Call(step, self)
        result = WRITERS[step.operator](call)
        order = self.orders[step.name]
        if isinstance(result, list):
            for index, expression in enumerate(result):
                self.variables[Value(step.name, index), order] = self.let(expression, step)
        elif len(step.shapes) == 1:
            self.variables[Value(step.name), order] = self.let(result, step)
        else:
            names = self.let(result, step, len(step.shapes)).split(", ")
            for index, name in enumerate(names):
                self.variables[Value(step.name, index), order] = name
        if not step.static:
            for place in range(len(step.calls)):
                self.recent[step.calls[place : place + 1]] = self.variables[Value(step.name), order]

    # -- what the writers use -----------------------------------------------------------------------------------

    def order(self, value: Value) -> Order:
        """The order in which a value lies."""
        order = self.orders[value.node]
        rank = len(self.trace.shape(value))
        return order if len(order) == rank else natural(rank)

    def let(self, expression: str, step: Step, outputs: int = 1) -> str:
        """A new variable, or several, for what an expression gives."""
        if outputs == 1 and expression.isidentifier():
            return expression
        names = [f"v{self.count + place}" for place in range(outputs)]
        self.count += outputs
        scopes = tuple(Scope(call.path, call.type.rpartition(".")[2], call.count) for call in step.calls if call.inner)
        self.statements.append(Statement(tuple(names), expression, scopes))
        return ", ".join(names)

    def let_behind(self, name: str, expression: str) -> str:
        """A new variable that is computed as soon as another is there: for what several modules read."""
        place = next((place for place, found in enumerate(self.statements) if name in found.targets), -1)
        scopes = self.statements[place].calls if place >= 0 else ()
        made = f"v{self.count}"
        self.count += 1
        self.statements.insert(place + 1, Statement((made,), expression, scopes))
        return made

    def _is_spread(self, source: Step) -> bool:
        """Whether calls of several modules read a constant."""
        readers = (step for step in self.trace.steps.values() if Value(source.name) in step.values())
        return len({step.calls[-1:] for step in readers}) > 1

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
        full = self.let(f"ops.reshape({name}, {self.shape_text(wide, Call(step, self))})", step)
        return self.let(f"ops.transpose({full}, {order!r})", step)

    def shape_text(self, shape: OpenShape, call: Call) -> str:
        """A shape as ``ops.reshape`` takes it.

        Raises:
            Unsupported: more than one length is open.
        """
        if sum(length is None for length in shape) > 1:
            raise call.refusal(f"a new shape with several open lengths, {shape}", "fix all lengths but the batch")
        return repr(tuple(-1 if length is None else length for length in shape))

    def zeros(self, value: Value, step: Step) -> str:
        """Zeros with a row for each row of the batch, which broadcast to a value of one row."""
        return self._zeros(max(len(self.trace.shape(value)), 1), self.trace.dtype(value), step)

    def for_each_row(
        self, text: str, rank: int, dtype: str, step: Step, times: int = 1, beside: Value | None = None
    ) -> str:
        """A value whose first axis has one row, with as many rows as the batch has, or a multiple, or as another
        value has that ``step`` reads.

        The zeros come first: Keras on TensorFlow takes the second of two for a bias where it has one long axis."""
        zeros = self._zeros(rank, dtype, step, beside)
        if times > 1:
            zeros = self.let(f"ops.repeat({zeros}, {times}, axis=0)", step)
        return self.let(f"ops.logical_or({text}, {zeros})" if dtype == "bool" else f"{zeros} + {text}", step)

    def _zeros(self, axes: int, dtype: str, step: Step, beside: Value | None = None) -> str:
        """Zeros of so many axes, with the rows of a value and a length of one along all others."""
        anchor = beside or Value(self.trace.inputs[0].name)
        name = self.expression(anchor, self.order(anchor), step)
        rank, own = len(self.trace.shape(anchor)), self.trace.dtype(anchor)
        lengths = [":1"] * (min(axes, rank) - 1) + ["0"] * (rank - axes) + ["None"] * (axes - rank)
        text = f"ops.zeros_like({name}[{', '.join((':', *lengths))}])" if lengths else f"ops.zeros_like({name})"
        floats = own.startswith("float") and dtype.startswith("float")
        word = DTYPES.get(dtype, dtype)
        return self.let(text if floats or own == dtype else f"ops.cast({text}, {word!r})", step)

    def _rows_counted(self, value: Value, axis: int, step: Step) -> str:
        """The numbers of the rows along an axis; written where they are needed, for most who index need them not."""
        zeros = self.zeros(value, step)
        name = self.let(f"ops.cumsum({zeros} + 1, axis=0) - 1", step)
        if axis:
            shape = tuple(-1 if place == axis else 1 for place in range(len(self.trace.shape(value))))
            name = self.let(f"ops.reshape({name}, {shape!r})", step)
        self.variables[value, natural(len(self.trace.shape(value)))] = name
        return name

    def fresh(self, path: str) -> str:
        """A name for a layer, after a path, that no other has."""
        name = plain = identifier(path) or "layer"
        if name in self.reserved:
            name = plain = f"{name}_layer"
        place = 2
        while name in self.names:
            name = f"{plain}_{place}"
            place += 1
        self.names.add(name)
        return name

    def _beside(self, step: Step) -> str:
        """A variable that is there when a step is computed: what it reads, what was computed last in its module, or the
        network's first input."""
        for value in step.values():
            name = self.variables.get((value, self.order(value)))
            if name is not None and not self.trace.steps[value.node].static:
                return name
        return self.recent.get(step.calls[-1:], self.anchor)

    def weighted(self, cls: str, arguments: Mapping[str, object], node: Node, step: Step) -> str:
        """The expression of a layer that holds the weights of a node; one layer, however often it is called."""
        identity = _identity(node)
        key = (identity, cls, written(arguments))
        if key in self.layers:
            self.placed.setdefault(step.name, self.layers[key])
            return f"shared[{self.layers[key]!r}]"
        name = self.fresh(node.layer or node.name)
        self.layers[key] = name
        self.placed[step.name] = name
        self.held[name] = Held(name, f"layers.{cls}", dict(arguments), node)
        if self.calls_of[identity] > 1:
            if any(other[0] == identity and other != key for other in self.layers):
                self.notes[f"{node.name}: called with other settings each time, by layers that hold the same"] = None
            return f"shared[{name!r}]"
        return f"layers.{cls}({written({**arguments, 'name': name})})"

    def is_shared(self, node: Node) -> bool:
        """Whether a layer is called more than once."""
        return self.calls_of[_identity(node)] > 1

    def loose(self, tensor: TensorRef, step: Step) -> str:
        """The variable that holds a tensor of the source by itself."""
        source = Step(f"parameter {tensor.name}", PARAMETER, shapes=(tensor.shape,), tensor=tensor)
        order = natural(len(tensor.shape))
        return self.variables.get((Value(source.name), order)) or self._parameter(source, order, step)

    def _parameter(self, source: Step, order: Order, step: Step) -> str:
        """A loose parameter in an order; once for the whole model."""
        tensor = cast(TensorRef, source.tensor)
        layout = () if order == natural(len(tensor.shape)) else (_axes(order),)
        weight = Weight((tensor,), layout, tensor.trainable is not False)
        node = Node(source.name, PARAMETER_KIND, {}, {"value": weight})
        shape = laid(tensor.shape, order)
        name = self._loose(tensor.name, shape, tensor.dtype, node, None, step)
        self.variables[Value(source.name), order] = name
        return name

    def _constant(self, source: Step, order: Order, step: Step) -> str:
        array = np.transpose(cast(Array, source.array), [cast(int, axis) for axis in order])
        return self._fixed(source, array, order, step)

    def fixed(self, name: str, array: Array, step: Step) -> str:
        """A tensor of numbers that a writer has computed; once in each module that needs it."""
        path = step.calls[-1].path if step.calls else ""
        full = f"{path}.{name}" if path else name
        key = (full, array.shape, str(array.dtype), array.tobytes())
        if key not in self.made:
            self.made[key] = self._fixed(Step(full, CONSTANT), array, natural(array.ndim), step)
        return self.made[key]

    def _fixed(self, source: Step, array: Array, key: Order, step: Step) -> str:
        dtype = DTYPES.get(str(array.dtype), str(array.dtype))
        if array.dtype.kind in "iu" and array.size and (array.max() > 2**31 - 1 or array.min() < -(2**31)):
            array = np.clip(array, -(2**31), 2**31 - 1)  # stands for "as far as there is": slices, masks
        if array.size == 1 and array.ndim == 0:
            return Call(step, self).literal(array.item())
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
        if around != step.calls and around != tuple(call for call in step.calls if call.inner):
            return self.let_behind(self.anchor, f"{made}({self.anchor})")  # in front of the call that reads it
        return self.let(f"{made}({self._beside(step)})", replace(step, calls=around))


def _nothing(source: Step) -> Node:
    """A node for what no tensor of the source holds."""
    return Node(source.name, CONSTANT, {}, {})


def _place(source: Step, step: Step) -> str:
    """A path for a constant: that of the buffer it is, or a name in the module that reads it."""
    if source.tensor is not None:
        return source.tensor.name
    path = next((call.path for call in reversed(step.calls) if call.inner), "")
    return f"{path}.constant" if path else "constant"


def _around(step: Step, path: str) -> tuple[Called, ...]:
    """The calls around a step that a tensor of this path belongs into; none for one that is called again."""
    if any(call.count for call in step.calls):
        return ()
    return tuple(call for call in step.calls if path.startswith(f"{call.path}."))


def _identity(node: Node) -> object:
    """Two calls of one layer have one; its settings may be written in another way each time."""
    return (tuple((slot, *_held(weight)) for slot, weight in node.weights.items()), node.layer)


def _held(weight: Weight) -> tuple[object, ...]:
    """Which tensors a weight is, or which rows of one."""
    part = weight.layout[0] if weight.layout and isinstance(weight.layout[0], Part) else None
    return (*(ref.name for ref in weight.tensors), str(part))


def _axes(order: Order) -> Axes:
    """From the source's order to how it is to lie."""
    lying = " ".join(f"a{axis}" for axis in order)
    return Axes(f"{' '.join(f'a{axis}' for axis in range(len(order)))} -> {lying}")


def _leads(order: Order, lacking: int) -> bool:
    """Whether the axes that a value lacks lie in front."""
    return order[:lacking] == tuple(range(lacking))


def _is_range(array: Array) -> bool:
    return bool((array.reshape(-1) == np.arange(array.size)).all())
