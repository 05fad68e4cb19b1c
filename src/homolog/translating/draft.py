"""A network → the source that would be written, before any model is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from homolog.emitting.assembled import Assembled
from homolog.errors import Unsupported
from homolog.inputs import Inputs, arrays_of, closed, open_axes
from homolog.network import Network
from homolog.trace import Trace
from homolog.translating.direction import Direction
from homolog.translating.notes import notes

Progress = Callable[[str], None]
Training = Mapping[str, object] | Callable[[Any], Mapping[str, object]]
"""``optimizer``, ``loss`` and ``scheduler``, as far as there are any; ``steps_per_epoch`` for a scheduler, and
``targets`` (``indices`` or ``probabilities``) for a cross entropy. Or what gives these for the live model."""


@dataclass(frozen=True)
class Draft:
    """What would be written, before any model is built.

    Attributes:
        source: text of ``model.py``.
        trace: of the source.
        assembled: what the text was made of.
        name: of the model.
        differences: between the source's training setup and the written one.
        told: what of its inputs is not as it was.
    """

    source: str
    trace: Trace
    assembled: Assembled
    name: str
    differences: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know."""
        return (*self.told, *notes(self.trace, self.assembled, self.differences))

    def __str__(self) -> str:
        steps, layers = len(self.trace.steps), len(self.assembled.held)
        return f"{self.name}: {steps} operations, {layers} layers with weights\n\n{self.source}"

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "model": self.name,
            "operations": len(self.trace.steps),
            "layers": len(self.assembled.held),
            "source": self.source,
            "notes": list(self.notes),
        }


def draft(
    origin: Network,
    way: Direction,
    inputs: Inputs | None,
    *,
    keep_layout: bool = False,
    training: Any = None,
    say: Progress = lambda text: None,
) -> Draft:
    """Read a network and write its source, without building it.

    Where the user has said nothing of the inputs, lengths that the source leaves open are fixed if they cannot stay so,
    and a note says it.

    Raises:
        Unsupported: it cannot be read, or uses operators that cannot be written; all of them are listed.
        Usage: nothing says what the inputs are.
    """
    if inputs is not None:
        return _drafted(origin, way, inputs, keep_layout, training, say)
    inputs = way.inputs(origin)
    try:
        return _drafted(origin, way, inputs, keep_layout, training, say)
    except Unsupported as error:
        if not open_axes(inputs):
            raise
        reason = error.found or str(error).splitlines()[0]
    say("once more, with every length but the batch fixed")
    made = _drafted(origin, way, closed(inputs), keep_layout, training, say)
    shapes = ", ".join(f"{step.name} {step.shape[1:]}" for step in made.trace.inputs)
    told = f"lengths that the source leaves open are fixed, {shapes}: with them open, {reason}"
    return replace(made, told=(told,))


def _drafted(origin: Network, way: Direction, inputs: Inputs, keep_layout: bool, training: Any, say: Progress) -> Draft:
    say("reading the source")
    trace = way.read(origin, arrays_of(inputs, origin), open_axes(inputs), False)
    say(f"writing {len(trace.steps)} operations")
    assembled = None
    try:
        assembled = way.assemble(trace, keep_layout)
    except Unsupported:
        if origin.framework != "pytorch":
            raise
    if assembled is None:
        say("reading it once more, for the lines of what cannot be written")
        trace = way.read(origin, arrays_of(inputs, origin), open_axes(inputs), True)
        assembled = way.assemble(trace, keep_layout)
    compiled = way.setup(training, origin, trace, assembled)
    what = "PyTorch module" if origin.framework == "pytorch" else "Keras model"
    text = way.source(assembled, trace.name, f"the {what} {trace.name}", compiled)
    return Draft(text, trace, assembled, trace.name, () if compiled is None else compiled.differences)
