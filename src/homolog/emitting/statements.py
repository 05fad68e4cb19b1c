"""What has been written so far: statements, their variables, and the names that are taken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property

from homolog.emitting.names import identifier
from homolog.graph import Value
from homolog.passes.ways import Order, natural
from homolog.trace import Called, Step, Trace
from homolog.writing import Call as Scope
from homolog.writing import Statement


@dataclass
class Statements(ABC):
    """The statements of a model that is being written.

    Attributes:
        trace: of the source.
        orders: of the axes of every step's outputs.
        statements: in the order in which they will run.
        variables: which holds a value in an order.
        recent: for each call of a module what was computed last in it.
        names: of layers, so far.
        reserved: names that no layer may have.
        anchor: the variable of the network's first input.
        count: of the variables.
    """

    trace: Trace
    orders: Mapping[str, Order]
    statements: list[Statement] = field(default_factory=list)
    variables: dict[tuple[Value, Order], str] = field(default_factory=dict)
    recent: dict[tuple[Called, ...], str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    reserved: Set[str] = frozenset()
    anchor: str = ""
    count: int = 0

    @abstractmethod
    def expression(self, value: Value, order: Order, step: Step) -> str:
        """The variable that holds a value in an order; it is transposed where it lies in another."""

    @abstractmethod
    def widened(self, value: Value, order: Order, step: Step) -> str:
        """A value of fewer axes than an order has, as an operand beside one that lies in this order."""

    @cached_property
    def readers(self) -> Mapping[Value, list[Step]]:
        """The steps that read each value."""
        return self.trace.readers()

    def order(self, value: Value) -> Order:
        """The order in which a value lies."""
        order = self.orders[value.node]
        rank = len(self.trace.shape(value))
        return order if len(order) == rank else natural(rank)

    def let(self, expression: str, step: Step, outputs: int = 1) -> str:
        """A new variable, or several, for what an expression gives."""
        if outputs == 1 and expression.isidentifier():
            return expression
        return self.made(expression, step, outputs=outputs)

    def made(self, expression: str, step: Step, layer: str = "", module: str = "", outputs: int = 1) -> str:
        """The same for what reads ``made``: the layer of that name, which ``module`` makes."""
        names = [f"v{self.count + place}" for place in range(outputs)]
        self.count += outputs
        scopes = tuple(Scope(call.path, call.type.rpartition(".")[2], call.count) for call in step.around)
        self.statements.append(Statement(tuple(names), expression, scopes, layer, module))
        return ", ".join(names)

    def let_in_front(self, expression: str, step: Step) -> str:
        """A new variable of the module that a step stands in, in front of the call in the middle of which it is asked
        for."""
        name = self.let(expression, step)
        last = self.statements.pop()
        depth, place = len(last.calls), len(self.statements)
        inside = self.statements[-1].calls if self.statements else ()
        if len(inside) > depth and inside[:depth] == last.calls:
            while place and self.statements[place - 1].calls[: depth + 1] == inside[: depth + 1]:
                place -= 1
        self.statements.insert(place, last)
        return name

    def let_behind(self, name: str, expression: str) -> str:
        """A new variable that is computed as soon as another is there: for what several modules read."""
        place = next((place for place, found in enumerate(self.statements) if name in found.targets), -1)
        scopes = self.statements[place].calls if place >= 0 else ()
        made = f"v{self.count}"
        self.count += 1
        self.statements.insert(place + 1, Statement((made,), expression, scopes))
        return made

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
