"""A draft → a live model, filled and proven."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from math import frexp, isfinite
from pathlib import Path
from typing import Any

from homolog.collecting import few_collections
from homolog.emitting.graphs import graphs, within
from homolog.inputs import Inputs
from homolog.network import Network
from homolog.plan import Plan
from homolog.proof import Proof, weights
from homolog.proof.precision import is_rounded
from homolog.proof.subjects import Subjects, Tolerance
from homolog.proving import causes, run_parts
from homolog.trace import CONSTANT, Trace
from homolog.transfer import laid_out
from homolog.translating.direction import Direction
from homolog.translating.draft import Draft, Progress, draft

SEEDS = (0, 1)
"""Of the inputs of the proof: two, for batches of one and of three; the trace had another. Where batch statistics are
perturbed, the batch of three is run with those."""
PLACES = 24
"""Binary places of a float32."""


@dataclass
class Translation:
    """A network in the other framework.

    Attributes:
        source: text of ``model.py``.
        plan: what of the source's tensors went where.
        proof: of the translated network against its source.
        draft: what it was made of.
        target: the network that was made.
        origin: the source.
        way: the direction.
        notes: what a reader should know.
        written: the folder, once it is saved.
    """

    source: str
    plan: Plan
    proof: Proof
    draft: Draft
    target: Network
    origin: Network
    way: Direction
    notes: tuple[str, ...] = ()
    written: Path | None = field(default=None)

    @property
    def model(self) -> object:
        """The live model."""
        return self.target.live.model

    @property
    def subjects(self) -> Subjects:
        """Both networks with what corresponds, as the parts of a proof take them."""
        pair = graphs(self.draft.trace, self.draft.assembled)
        ours, plan = self.origin.live.as_trained(), within(self.plan, *pair)
        rounded, fixed = is_rounded(self.proof.parts), _fixed(self.draft.trace)
        return Subjects(ours, self.target.live, *pair, plan, rounded=rounded, fixed=fixed)

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write the folder: source, weights in both of the framework's formats, the plan, a page with the proof, and a
        test.

        Everything is written beside its place, the weights are read again and compared bit for bit, and then it is
        moved there.

        Raises:
            Usage: the folder exists and ``force`` is not given.
        """
        from homolog.translating.folder import write

        self.written = write(self, Path(folder), force=force)
        return self.written

    def __str__(self) -> str:
        size = f"{len(self.source.splitlines())} lines, {len(self.plan.rows)} tensors"
        lines = [f"{self.draft.name} in {self.way.title}: {size}"]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes), str(self.proof)])

    def _repr_html_(self) -> str:
        return self.proof._repr_html_()

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "output": None if self.written is None else str(self.written),
            "source": self.source,
            "plan": self.plan.to_dict(),
            "proof": self.proof.to_dict(),
            "notes": list(self.notes),
        }


@few_collections()
def translate(
    origin: Network,
    way: Direction,
    inputs: Inputs | None,
    *,
    keep_layout: bool = False,
    training: Any = None,
    tolerance: Tolerance | None = None,
    gradients: bool = False,
    say: Progress = lambda text: None,
) -> Translation:
    """See ``api.translate``."""
    made = draft(origin, way, inputs, keep_layout=keep_layout, training=training, say=say)
    say("building the model")
    live = way.build(made.source)
    target = Network(f"{made.name} ({way.title})", make=lambda: live)
    rows = way.plan(made.trace, made.assembled, target.tensors(), origin.name, target.name)
    refs = origin.tensors()
    target.live.fill(chain(laid_out(rows, refs), way.constants(made.assembled).items()))  # one tensor at a time
    say("proving that both are the same")
    left, right = graphs(made.trace, made.assembled)
    seen = within(rows, left, right)
    parts = [weights.check(rows, refs, target.tensors())]
    ours = origin.as_trained()
    parts += run_parts(
        *(ours, target, left, right, seen, tolerance, SEEDS),
        other_sizes=True,
        gradients=gradients,
        constants=_has_constants(made),
        fixed=_fixed(made.trace),
        sparing=True,
    )
    why = causes(ours, target, (left, right), seen, parts, run=True)
    proof = Proof(tuple(parts), (), origin.name, target.name, why)
    return Translation(made.source, rows, proof, made, target, origin, way, made.notes)


def _fixed(trace: Trace) -> frozenset[int]:
    """Places of the outputs that are made of weights and the inputs' shapes alone, as anchors and queries are."""
    outputs = enumerate(trace.outputs.values())
    return frozenset(place for place, value in outputs if trace.steps[value.node].static)


def _has_constants(made: Draft) -> bool:
    """Whether it holds real numbers that the source computes anew each time: tables, or factors as float32 has them."""
    arrays = [step.array for step in made.trace.steps.values() if step.operator == CONSTANT]
    arrays += [held.array for held in made.assembled.held.values()]
    if any(array is not None and array.dtype.kind == "f" for array in arrays):
        return True
    numbers = (item for step in made.trace.steps.values() for item in step.arguments.values())
    return any(isinstance(number, float) and _is_of_float32(number) for number in numbers)


def _is_of_float32(number: float) -> bool:
    """Whether float32 has it, and has it as what something else was rounded to: a half is a half, a square root of 48
    takes all the places that there are."""
    if not isfinite(number):
        return False
    units = frexp(number)[0] * (1 << PLACES)
    return units.is_integer() and int(units) % (1 << PLACES // 2) != 0
