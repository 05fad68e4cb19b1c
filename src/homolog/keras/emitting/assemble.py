"""A trace → flat statements of a Keras model, and the layers that hold its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from homolog.emitting.assembled import Assembled, Held
from homolog.emitting.names import identifier
from homolog.emitting.words import written
from homolog.errors import Unsupported
from homolog.graph import Node, Value, Weight
from homolog.keras.emitting import operators
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.loose import Loose
from homolog.keras.emitting.names import clashing, given_by_keras
from homolog.keras.emitting.operators.weight_norm import kernel_orders
from homolog.keras.emitting.refused import REFUSED
from homolog.keras.emitting.registry import WRITERS
from homolog.keras.emitting.words import DTYPES
from homolog.passes.orders import orders
from homolog.passes.simpler import simpler
from homolog.passes.ways import laid
from homolog.trace import CONSTANT, INPUT, PARAMETER, Step, Trace
from homolog.transforms import Part
from homolog.writing import Program

__all__ = ["Assembled", "Held", "assemble", "operators"]


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
    found = orders(trace, keep=keep_layout) | kernel_orders(trace)
    writer = Assembler(trace, found)
    made = writer.assembled()
    given = given_by_keras(statement.expression for statement in made.program.statements)
    reserved = clashing(writer.names, given)
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
class Assembler(Loose):
    """What the writers write into.

    Attributes:
        layers: names of the layers that hold weights, by what they hold, their class and their settings.
        notes: what a reader should know.
        placed: which layer a step became, by the step's name.
        calls_of: how often what a layer holds is used.
    """

    layers: dict[tuple[object, str, str], str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)
    calls_of: Counter[object] = field(default_factory=Counter)

    def assembled(self) -> Assembled:
        inputs: dict[str, Mapping[str, object]] = {}
        self.names.update(identifier(step.name) for step in self.trace.inputs)
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
        if source.static and shape[source.rows : source.rows + 1] not in ((None,), (1,)):
            raise Unsupported(
                "an output has no row for each row of the batch",
                where=source.where or source.name,
                expected="outputs that the inputs reach, or that are repeated for every row",
                found=f"a tensor of shape {shape} that is the same for all inputs",
                help="leave it out of what forward returns",
            )
        if not source.static or not source.alike:
            return expression
        place = self.order(value).index(source.rows)
        return self.for_each_row(expression, len(shape), self.trace.dtype(value), step, place=place)

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

    def weighted(self, cls: str, arguments: Mapping[str, object], node: Node, step: Step) -> str:
        """The expression of a layer that holds the weights of a node; one layer, however often it is called."""
        identity = _identity(node)
        arguments = {**arguments, **self._frozen(cls, node)}
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

    def _frozen(self, cls: str, node: Node) -> dict[str, object]:
        """That a layer is not trained, where nothing of it is; what Keras cannot leave out of training is noted.

        A batch norm that is not trained would take its own statistics in training, too."""
        weights = [weight for weight in node.weights.values() if weight.trainable]
        frozen = [ref.name for weight in weights for ref in weight.tensors if ref.trainable is False]
        if frozen and len(frozen) == sum(len(weight.tensors) for weight in weights) and cls != "BatchNormalization":
            return {"trainable": False}
        if frozen:
            self.notes[f"{node.name}: not to train {', '.join(frozen)}"] = None
        return {}

    def is_shared(self, node: Node) -> bool:
        """Whether a layer is called more than once."""
        return self.calls_of[_identity(node)] > 1


def _identity(node: Node) -> object:
    """Two calls of one layer have one; its settings may be written in another way each time."""
    return (tuple((slot, *_held(weight)) for slot, weight in node.weights.items()), node.layer)


def _held(weight: Weight) -> tuple[object, ...]:
    """Which tensors a weight is, or which rows of one."""
    part = weight.layout[0] if weight.layout and isinstance(weight.layout[0], Part) else None
    return (*(ref.name for ref in weight.tensors), str(part))
