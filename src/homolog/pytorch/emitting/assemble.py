"""A trace → flat statements of a PyTorch module, and the modules that hold its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from homolog.emitting.assembled import Assembled, Held
from homolog.emitting.names import identifier
from homolog.emitting.words import written
from homolog.errors import Unsupported
from homolog.graph import Node, OpenShape, Value
from homolog.passes.orders import orders
from homolog.passes.ways import laid
from homolog.pytorch.emitting import frozen, operators
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.classed import classed
from homolog.pytorch.emitting.loose import Loose
from homolog.pytorch.emitting.registry import WRITERS
from homolog.pytorch.emitting.simpler import simpler
from homolog.trace import CONSTANT, INPUT, PARAMETER, Step, Trace
from homolog.writing import Program

__all__ = ["Assembled", "Held", "assemble", "operators"]

NAMES = {"torch", "nn", "F", "math", "made", "self"}
"""Names that no input may have."""


def assemble(trace: Trace, *, keep_layout: bool = False) -> Assembled:
    """Every step of a trace as statements of a PyTorch module.

    Args:
        trace: of the source.
        keep_layout: leave inputs and outputs in the source's order of axes.

    Raises:
        Unsupported: operators that cannot be written, all of them, with the places they come from.
    """
    trace = simpler(trace)
    refuse_unknown(trace)
    made = classed(Assembler(trace, orders(trace, keep=keep_layout, target="pytorch")).assembled(), trace.name)
    return replace(made, notes=(*made.notes, *frozen.notes(made)))


def refuse_unknown(trace: Trace) -> None:
    """Refuse operators that nobody writes, and networks that give nothing.

    Raises:
        Unsupported: with the list of these operators.
    """
    if not trace.outputs:
        raise Unsupported(
            "the network gives no tensor", where=trace.name, expected="a network that returns a tensor, or several"
        )
    known = {INPUT, PARAMETER, CONSTANT, *WRITERS}
    unknown = [step for step in trace.steps.values() if step.operator not in known and step.counted is None]
    if unknown:
        counts = Counter(step.operator for step in unknown)
        places = {step.operator: step.where or step.name for step in reversed(unknown)}
        raise Unsupported(
            "the model uses operators that homolog does not write for PyTorch",
            where=trace.name,
            found=", ".join(counts),
            details=[f"{name} ({count}×), first at {places[name]}" for name, count in counts.items()],
            help="say these parts of the model otherwise, or open an issue with this list",
        )


@dataclass
class Assembler(Loose):
    """What the writers write into.

    Attributes:
        layers: names of the modules that hold weights, and what makes them, by what they hold and their settings.
        notes: what a reader should know.
        placed: which module a step became, by the step's name.
        calls_of: how often what a module holds is used.
    """

    layers: dict[tuple[object, str], tuple[str, str]] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)
    calls_of: Counter[object] = field(default_factory=Counter)

    def assembled(self) -> Assembled:
        inputs: dict[str, Mapping[str, object]] = {}
        for step in self.trace.steps.values():
            if step.layer is not None:
                self.calls_of[identity(step.layer)] += 1
        for step in self.trace.inputs:
            variable = identifier(step.name)
            variable = f"{variable}_" if variable in NAMES else variable
            self.variables[Value(step.name), self.orders[step.name]] = variable
            self.anchor = self.anchor or variable
            shape = laid(step.shape, self.orders[step.name])
            inputs[variable] = {"shape": shape, "dtype": step.dtypes[0]}
        for step in self.trace.steps.values():
            if step.operator not in (INPUT, PARAMETER, CONSTANT) and step.counted is None:
                self._write(step)
        last = replace(list(self.trace.steps.values())[-1], calls=())
        results = [self._output(value, last) for value in self.trace.outputs.values()]
        program = Program(tuple(inputs), tuple(self.statements), tuple(results))
        shared = tuple(name for (own, _), (name, _) in self.layers.items() if self.calls_of[own] > 1)
        ends = {**self.orders, **{name: self.order(value) for name, value in self.trace.outputs.items()}}
        return Assembled(
            program,
            inputs,
            tuple(self.trace.outputs),
            self.held,
            shared,
            ends,
            self.placed,
            tuple(self.notes),
            framework="pytorch",
            shapes={name: laid(self._shape(value), ends[name]) for name, value in self.trace.outputs.items()},
        )

    def _output(self, value: Value, step: Step) -> str:
        """An output; one that does not depend on the inputs' values is repeated for every row."""
        source = self.trace.steps[value.node]
        if source.operator == CONSTANT and source.array is not None and not source.array.ndim:
            return self.number(value.node, source.array, step)
        order, shape = self.order(value), self.trace.shape(value)
        expression = self.expression(value, order, step)
        if not _is_repeated(source, shape):
            return expression
        return self.for_each_row(expression, len(shape), step, order.index(source.rows))

    def _shape(self, value: Value) -> OpenShape:
        """Of an output; what is the same for all rows is repeated for each."""
        source, shape = self.trace.steps[value.node], self.trace.shape(value)
        if not _is_repeated(source, shape):
            return shape
        return (*shape[: source.rows], None, *shape[source.rows + 1 :])

    def _write(self, step: Step) -> None:
        result = WRITERS[step.operator](Call(step, self))
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

    def weighted(self, cls: str, arguments: Mapping[str, object], node: Node, step: Step) -> tuple[str, str]:
        """Name and making of the module that holds the weights of a node; one module, however often it is called."""
        module = f"{cls}({written(arguments)})"
        own = identity(node)
        key = (own, module)
        if key not in self.layers:
            if any(other == own for other, _ in self.layers):
                self.notes[f"{node.name}: called with other settings each time, by modules that hold the same"] = None
            name = self.fresh(self._path(node, step))
            self.layers[key] = (name, module)
            self.held[name] = Held(name, cls, dict(arguments), node)
        self.placed.setdefault(step.name, self.layers[key][0])
        return self.layers[key]

    def _path(self, node: Node, step: Step) -> str:
        """Where a module is to stand: in the place that its node names; beside what a module of this name holds."""
        path = node.layer or node.name
        around = [call.path for call in step.around]
        if path in around:
            return f"{path}.{node.type or node.kind}"
        owner = max((call for call in around if path.startswith((f"{call}.", f"{call}/"))), key=len, default="")
        if node.layer is not None:
            return path
        return f"{owner}.{identifier(path[len(owner) + 1 :])}" if owner else identifier(path)


def identity(node: Node) -> object:
    """Two calls of one module have one; its settings may be written in another way each time."""
    weights = tuple(
        (slot, tuple(ref.name for ref in weight.tensors), str(weight.layout)) for slot, weight in node.weights.items()
    )
    return weights, node.layer


def _is_repeated(source: Step, shape: OpenShape) -> bool:
    """Whether a value is there once for all rows."""
    return source.static and source.alike and shape[source.rows : source.rows + 1] == (1,)
