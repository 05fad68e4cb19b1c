"""One step of a trace, as its writer for PyTorch sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from homolog.emitting import call
from homolog.emitting.words import word, written
from homolog.graph import Node, Value
from homolog.passes.axes import Order, is_axes, natural
from homolog.passes.ways import Target
from homolog.trace import BATCH, Open

if TYPE_CHECKING:
    from homolog.pytorch.emitting.assemble import Assembler


Lengths = tuple[int | str, ...]
"""A shape in which an open length is the text of an ``Open``."""


@dataclass
class Call(call.Call):
    """One step, and what is known around it, in PyTorch's words."""

    assembler: Assembler

    target: ClassVar[Target] = "pytorch"
    language: ClassVar[str] = "PyTorch"

    def dtype(self, value: str | Value) -> str:
        """The element type of a tensor."""
        return self.assembler.trace.dtype(self.value(value) if isinstance(value, str) else value)

    @property
    def out_dtype(self) -> str:
        """The element type of the result."""
        return self.step.dtypes[0]

    # -- numbers ------------------------------------------------------------------------------------------------

    def literal(self, argument: object) -> str:
        """A number or word as it is written; an open length as the shape that tells it."""
        return self.length(argument) if isinstance(argument, Open) else word(argument)

    def length(self, length: Open) -> str:
        """An open length as the shape that tells it.

        Raises:
            Unsupported: several axes may be meant.
        """
        return self.assembler.length(length, self.step)

    def lengths(self, value: str | Value) -> Lengths:
        """The shape of a tensor in the source's order of axes, with what each open length is."""
        found = self.value(value) if isinstance(value, str) else value
        pairs = zip(self.shape(found), self.assembler.trace.open(found), strict=True)
        return tuple(text if length is None else length for length, text in pairs)

    def sizes(self, lengths: Lengths, x: str, given: Lengths) -> str:
        """The lengths of a new shape of a tensor, for ``reshape``. One that is open needs no word; of several, those of
        the tensor's own axes are asked of it, and others of the inputs.

        Args:
            lengths: the new ones, as they are to lie.
            x: the tensor's variable.
            given: its own, as they lie.

        Raises:
            Unsupported: several lengths are open that no input tells.
        """
        words = [str(length) if isinstance(length, int) else "" for length in lengths]
        if words.count("") > 1:
            words = [word or self._own(length, x, given) for word, length in zip(words, lengths, strict=True)]
        while words.count("") > 1:
            place = words.index("")
            words[place] = self.length(Open(str(lengths[place])))
        return ", ".join(word or "-1" for word in words)

    @staticmethod
    def _own(length: int | str, x: str, given: Lengths) -> str:
        """An open length as that of a tensor's axis; empty where it has none such."""
        return f"{x}.shape[{given.index(length)}]" if length in given else ""

    # -- operands -----------------------------------------------------------------------------------------------

    def with_rows(self, value: str | Value, text: str | None = None) -> str:
        """A tensor with a row for each of the batch, where it is there once for all rows and the result is not.

        Args:
            value: the tensor.
            text: its expression, where that is not ``x``.
        """
        if text is None and not self.is_natural:
            return self.plain_with_rows(value)
        return self._repeated(value, text or self.x(value), self.order_of(value))

    def operand(self, argument: object) -> str:
        """As of any language. Beside numbers that are taken over all rows, a tensor that is there once for all of them
        is what gives the result its rows."""
        text = super().operand(argument)
        if not isinstance(argument, Value) or self.rank(argument) < len(self.step.shape) or self._has_rows_beside:
            return text
        return self._repeated(argument, text, self.order if is_axes(self.order) else self.assembler.order(argument))

    @property
    def _has_rows_beside(self) -> bool:
        """Whether the result has no rows, or a value that depends on the inputs brings them."""
        open_axes = self.assembler.trace.open
        given = [open_axes(value) for value in self.step.values() if not self.is_static(value)]
        return BATCH not in open_axes(Value(self.step.name)) or any(BATCH in axes for axes in given)

    def plain_with_rows(self, value: str | Value) -> str:
        """The same in the source's order of axes."""
        return self._repeated(value, self.plain(value), natural(self.rank(value)))

    def _repeated(self, value: str | Value, text: str, order: Order) -> str:
        rows = self.rows(value)
        if not self.is_static(value) or self.step.static or not self.rank(value) or self.shape(value)[rows] != 1:
            return text
        return self.assembler.for_each_row(text, self.rank(value), self.step, order.index(rows))

    def tensor(self, value: Value) -> str:
        """A tensor that stands where PyTorch takes no number."""
        array = self.constant(value)
        if array is not None and not array.ndim:
            return self.assembler.number(value.node, array, self.step)
        return self.x(value)

    def axes_text(self, value: str | Value, dims: object) -> str:
        """Axes as an argument: one as a number, the last as -1."""
        axes, rank = self.axes(value, dims), self.rank(value)
        if len(axes) == 1:
            return str(call.last_as_minus_one(axes[0], rank))
        return repr(axes)

    # -- results ------------------------------------------------------------------------------------------------

    def module(self, cls: str, arguments: Mapping[str, object], *given: str) -> str:
        """The variable that a module without weights gives."""
        path = self.path if self.is_module else f"{self.path}.{self.step.operator}".lstrip(".")
        layer = self.assembler.fresh(path)
        return self.assembler.made(f"made({', '.join(given)})", self.step, layer, f"{cls}({written(arguments)})")

    def weighted(self, cls: str, arguments: Mapping[str, object], node: Node, *given: str) -> str:
        """The variable that a module with the weights of a node gives."""
        return self.made(f"made({', '.join(given)})", cls, arguments, node)

    def made(self, expression: str, cls: str, arguments: Mapping[str, object], node: Node, outputs: int = 1) -> str:
        """The variables of an expression over ``made``, which is a module with the weights of a node."""
        layer, module = self.assembler.weighted(cls, arguments, node, self.step)
        return self.assembler.made(expression, self.step, layer, module, outputs)
