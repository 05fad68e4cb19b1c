"""A network of one framework → the source, the weights and the live model of the other, with a proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from homolog.inputs import Inputs, arrays_of
from homolog.keras.emitting.assemble import assemble
from homolog.keras.emitting.source import Names, source
from homolog.keras.emitting.weights import constants_of, plan
from homolog.network import Network
from homolog.plan import Plan
from homolog.proof import Proof, weights
from homolog.proof.subjects import Tolerance
from homolog.proving import causes, run_parts
from homolog.reading import read_both
from homolog.transfer import transfer

Progress = Callable[[str], None]


@dataclass
class Translation:
    """A network in the other framework.

    Attributes:
        source: text of ``model.py``.
        plan: what of the source's tensors went where.
        proof: of the translated network against its source.
        target: the network that was made.
        origin: the source.
        notes: what a reader should know.
    """

    source: str
    plan: Plan
    proof: Proof
    target: Network
    origin: Network
    notes: tuple[str, ...] = ()

    @property
    def model(self) -> object:
        """The live model."""
        return self.target.live.model


def translate_to_keras(
    origin: Network,
    inputs: Inputs | None,
    *,
    keep_layout: bool = False,
    tolerance: Tolerance | None = None,
    say: Progress = lambda text: None,
) -> Translation:
    """See ``api.translate``."""
    from homolog.keras.written import build

    given = arrays_of(inputs, origin)
    say("tracing")
    trace = origin.live.trace(given)
    say(f"writing {len(trace.steps)} operations")
    model = assemble(trace, keep_layout=keep_layout)
    text = source(model, Names(trace.name, f"the PyTorch module {trace.name}"))
    say("building")
    live = build(text)
    target = Network(trace.name, make=lambda: live)
    rows = plan(trace, model, target.tensors(), origin.name, target.name)
    refs = origin.tensors()
    target.live.fill([*transfer(rows, refs), *constants_of(model).items()])
    say("proving")
    left, right = read_both(origin, target, given)
    parts = [weights.check(rows, refs, target.tensors())]
    parts += list(run_parts(origin, target, left, right, rows, tolerance))
    why = causes(origin, target, (left, right), rows, parts, run=True)
    return Translation(text, rows, Proof(tuple(parts), (), origin.name, target.name, why), target, origin, model.notes)
