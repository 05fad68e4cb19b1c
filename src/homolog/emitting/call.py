"""One step of a trace, as its writer sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, ClassVar, cast

from homolog.emitting.statements import Statements
from homolog.emitting.words import refusal, word
from homolog.errors import Unsupported
from homolog.graph import OpenShape, Value
from homolog.passes.ways import HEADS_LAST, Order, Target, as_map, before, fits, is_axes, laid, natural
from homolog.tensors import Array
from homolog.trace import CONSTANT, PARAMETER, Open, Step

MANY = 7
"""Axes of which every order is tried, where none of the usual ones will do."""


@dataclass
class Call:
    """One step, and what is known around it.

    Attributes:
        step: the step.
        assembler: what it is written into.
        target: the framework that it is written for.
        language: the same for people.
    """

    step: Step
    assembler: Statements

    target: ClassVar[Target]
    language: ClassVar[str]

    # -- what is known ------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        """An argument by its name in the operator's schema."""
        return self.step.arguments.get(name)

    def value(self, name: str) -> Value:
        """An argument that is a tensor.

        Raises:
            Unsupported: it is none.
        """
        found = self.step.arguments.get(name)
        if not isinstance(found, Value):
            raise self.refusal(f"{name}={found!r} where a tensor is expected")
        return found

    def has(self, name: str) -> bool:
        """Whether an argument is a tensor."""
        return isinstance(self.step.arguments.get(name), Value)

    def shape(self, value: str | Value) -> OpenShape:
        """The shape of a tensor in the source's order of axes."""
        return self.assembler.trace.shape(self.value(value) if isinstance(value, str) else value)

    def rank(self, value: str | Value) -> int:
        """How many axes a tensor has."""
        return len(self.shape(value))

    @property
    def order(self) -> Order:
        """The order in which the result's axes are to lie."""
        return self.assembler.orders[self.step.name]

    @property
    def out_shape(self) -> OpenShape:
        """The result's shape as it is to lie."""
        return laid(self.step.shape, self.order)

    def is_static(self, value: str | Value) -> bool:
        """Whether a tensor is there once for all rows: its axis of rows is one then where others have the batch."""
        step = self._source(value)
        return step.static and step.alike

    def rows(self, value: str | Value) -> int:
        """The axis of rows of a tensor that is there once for all of them."""
        return self._source(value).rows

    def constant(self, value: str | Value) -> Array | None:
        """What a tensor holds, if it is a constant; in the source's order of axes."""
        step = self._source(value)
        return step.array if step.operator == CONSTANT else None

    def _source(self, value: str | Value) -> Step:
        return self.assembler.trace.steps[(self.value(value) if isinstance(value, str) else value).node]

    def is_read(self, index: int) -> bool:
        """Whether anything reads one of several results."""
        wanted = Value(self.step.name, index)
        trace = self.assembler.trace
        return wanted in trace.outputs.values() or any(wanted in step.values() for step in trace.steps.values())

    def is_alone(self, value: Value) -> bool:
        """Whether nothing but this call reads a tensor, and the network does not give it."""
        assembler = self.assembler
        return len(assembler.readers.get(value, ())) == 1 and value not in assembler.trace.outputs.values()

    def those_read(self, *expressions: str) -> list[str]:
        """The variables of several results; what nobody reads is not computed."""
        names = [self.let(text) if self.is_read(index) else "" for index, text in enumerate(expressions)]
        some = next(name for name in names if name)
        return [name or some for name in names]

    # -- operands -----------------------------------------------------------------------------------------------

    def order_of(self, value: str | Value) -> Order:
        """The order in which a tensor comes to this call: its own, if the operator can give the result's order from
        it, else one from which it can."""
        found = self.value(value) if isinstance(value, str) else value
        place = list(self.step.values()).index(found)
        shape = self.assembler.trace.shape(found)
        own = self.assembler.order(found)
        source = self.assembler.trace.steps[found.node]
        candidates = [
            own,
            natural(len(shape)),
            as_map(len(shape), self.target),
            *([HEADS_LAST] if len(shape) == 4 else []),
        ]
        candidates.append(before(self.step, shape, self.order, self.target) or own)
        if source.operator in (PARAMETER, CONSTANT):
            free = [as_map(len(shape), self.target), natural(len(shape)), candidates[-1]]
            candidates = candidates if self.is_natural else free
        for order in candidates:
            if fits(self.step, shape, order, place, self.order, self.target):
                return order
        for order in permutations(range(len(shape))) if len(shape) <= MANY else ():
            if fits(self.step, shape, order, place, self.order, self.target):
                return order
        raise self.refusal(f"an input whose axes lie as {own} for a result as {self.order}")

    @property
    def is_natural(self) -> bool:
        """Whether the result lies in the source's order."""
        return self.order == natural(len(self.step.shape))

    def x(self, value: str | Value = "self") -> str:
        """The expression of a tensor, in the order in which it comes to this call."""
        found = self.value(value) if isinstance(value, str) else value
        return self.assembler.expression(found, self.order_of(found), self.step)

    def plain(self, value: str | Value) -> str:
        """The expression of a tensor in the source's order."""
        found = self.value(value) if isinstance(value, str) else value
        return self.assembler.expression(found, natural(self.rank(found)), self.step)

    def operand(self, argument: object) -> str:
        """An operand of an element-wise operator: a number, or a tensor whose axes are those of the result, as far as
        it has them."""
        if not isinstance(argument, Value):
            return self.literal(argument)
        rank, shape = len(self.step.shape), self.shape(argument)
        if len(shape) == rank:
            order = self.order if is_axes(self.order) else self.assembler.order(argument)
            return self.assembler.expression(argument, order, self.step)
        if self.is_natural or not shape:
            return self.plain(argument)
        return self.assembler.widened(argument, self.order, self.step)

    def tensors(self, name: str) -> list[Value]:
        """An argument that is a list of tensors."""
        return [item for item in cast(Sequence[object], self[name]) if isinstance(item, Value)]

    def axis(self, value: str | Value, dim: int) -> int:
        """Where the axis ``dim`` of a tensor lies as it comes to this call; the last is -1."""
        order = self.order_of(value)
        return last_as_minus_one(order.index(dim % max(len(order), 1)), len(order)) if order else 0

    def axes(self, value: str | Value, dims: object) -> tuple[int, ...]:
        """The same for several, in order; all if none are named."""
        rank = self.rank(value)
        named = dims if isinstance(dims, list | tuple) else [dims]
        given = natural(rank) if dims is None or dims == [] else tuple(cast(int, dim) for dim in named)
        return tuple(sorted(self.order_of(value).index(dim % rank) for dim in given))

    def out_axis(self, dim: int) -> int:
        """Where the axis ``dim`` of the result lies."""
        return last_as_minus_one(self.order.index(dim % len(self.order)), len(self.order))

    def literal(self, argument: object) -> str:
        """A number or word as it is written.

        Raises:
            Unsupported: a number that only the inputs tell.
        """
        if isinstance(argument, Open):
            raise self.refusal(f"the open length {argument.text} as a number")
        return word(argument)

    # -- results ------------------------------------------------------------------------------------------------

    def let(self, expression: str, outputs: int = 1) -> str:
        """The name of a new variable that holds the value of an expression; ``a, b`` for several."""
        return self.assembler.let(expression, self.step, outputs)

    @property
    def path(self) -> str:
        """Path of the module that the step stands in, empty for the network itself."""
        return self.step.calls[-1].path if self.step.calls else ""

    @property
    def is_module(self) -> bool:
        """Whether the step is the first call of a module that holds no others, which a layer can be named after."""
        return bool(self.step.calls) and not self.step.calls[-1].inner and not self.step.calls[-1].count

    def refusal(self, found: str, help: str | None = None) -> Unsupported:
        """The error for what this call cannot be written with."""
        return refusal(self.step, self.language, found, help)


def last_as_minus_one(place: int, rank: int) -> int:
    """The last place as -1, which says what it is whatever the rank."""
    return -1 if place == rank - 1 and rank > 1 else place
