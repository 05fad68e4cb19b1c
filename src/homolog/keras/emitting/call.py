"""One step of a trace, as its writer for Keras sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from homolog.emitting import call
from homolog.emitting.words import written
from homolog.graph import Node, OpenShape, Value
from homolog.keras.emitting.broadcasting import MOST_RUNS, repeats
from homolog.keras.emitting.words import DTYPES
from homolog.passes.ways import Target, channels_last, laid

if TYPE_CHECKING:
    from homolog.keras.emitting.assemble import Assembler


@dataclass
class Call(call.Call):
    """One step, and what is known around it, in Keras's words."""

    assembler: Assembler

    target: ClassVar[Target] = "keras"
    language: ClassVar[str] = "Keras"

    def dtype(self, value: str | Value) -> str:
        """The element type of a tensor, in Keras's words."""
        word = self.assembler.trace.dtype(self.value(value) if isinstance(value, str) else value)
        return DTYPES.get(word, word)

    def operand(self, argument: object) -> str:
        """As of any language; numbers are repeated where TensorFlow would not stretch what holds them."""
        text = super().operand(argument)
        rank = len(self.step.shape)
        values = list(dict.fromkeys(value for value in self.step.values() if self.rank(value) <= rank))
        if not isinstance(argument, Value) or rank <= MOST_RUNS or argument not in values:
            return text
        missing = [rank - self.rank(value) if self.is_natural else 0 for value in values]
        found = repeats([self.beside_result(value) for value in values], missing)
        for axis, times in found[values.index(argument)].items():
            text = f"ops.repeat({text}, {times}, axis={axis - rank})"
        return text

    def beside_result(self, value: Value) -> OpenShape:
        """The shape of an operand as it lies, with axes of one in front up to the result's."""
        shape = self.shape(value)
        return laid((*(1 for _ in range(len(self.step.shape) - len(shape))), *shape), self.order)

    @property
    def out_dtype(self) -> str:
        """The element type of the result, in Keras's words."""
        word = self.step.dtypes[0]
        return DTYPES.get(word, word)

    @property
    def is_last(self) -> bool:
        """Whether the result's channels lie last, or it has no axes behind them."""
        return self.order == channels_last(len(self.step.shape))

    def target_shape(self) -> str:
        """The shape of the result as ``ops.reshape`` takes it.

        Raises:
            Unsupported: more than one length is open.
        """
        return self.assembler.shape_text(self.out_shape, self.step)

    def layer(self, cls: str, arguments: Mapping[str, object] | None = None, *given: str, name: bool = False) -> str:
        """A layer of Keras without weights, applied."""
        settings = dict(arguments or {})
        if name:
            settings["name"] = self.assembler.fresh(self.path)
        return f"layers.{cls}({written(settings)})({', '.join(given)})"

    def weighted(self, cls: str, arguments: Mapping[str, object], node: Node, *given: str, **calls: str) -> str:
        """A layer of Keras that holds the weights of a node, applied."""
        made = self.assembler.weighted(cls, arguments, node, self.step)
        settings = "".join(f", {key}={value}" for key, value in calls.items())
        return f"{made}({', '.join(given)}{settings})"
