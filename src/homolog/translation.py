"""A network of one framework → the source, the weights and the live model of the other, with a proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np

from homolog.errors import Mismatch, Unsupported, Usage
from homolog.files import Format, open_checkpoint
from homolog.files.folder import atomic_folder
from homolog.graph import Value
from homolog.inputs import Inputs, arrays_of, open_axes
from homolog.keras.emitting.assemble import Assembled, assemble
from homolog.keras.emitting.graphs import graphs
from homolog.keras.emitting.names import identifier
from homolog.keras.emitting.parity import parity
from homolog.keras.emitting.registry import WRITERS
from homolog.keras.emitting.source import Names, source
from homolog.keras.emitting.weights import constants_of, plan
from homolog.network import Network
from homolog.passes.ways import laid
from homolog.plan import Plan
from homolog.proof import Proof, weights
from homolog.proof.samples import samples
from homolog.proof.subjects import Subjects, Tolerance
from homolog.proving import causes, run_parts
from homolog.rules.training import Compiled, keras_compile
from homolog.trace import Trace
from homolog.transfer import transfer

Progress = Callable[[str], None]
Training = Mapping[str, object] | Callable[[Any], Mapping[str, object]]
"""``optimizer``, ``loss`` and ``scheduler``, as far as there are any; ``steps_per_epoch`` for a scheduler, and
``targets`` (``indices`` or ``probabilities``) for a cross entropy. Or what gives these for the live model."""
PARITY_ROWS = 2
SEEDS = (0, 1)
"""Of the inputs of the proof: two, for batches of one and of three; the trace had another."""
MODEL, WEIGHTS, SAVED, PLAN, STORED = "model.py", "model.weights.h5", "model.keras", "plan.toml", "parity.npz"


@dataclass(frozen=True)
class Draft:
    """What would be written, before any model is built.

    Attributes:
        source: text of ``model.py``.
        trace: of the source.
        assembled: what the text was made of.
        name: of the model.
        differences: between the source's training setup and the written one.
    """

    source: str
    trace: Trace
    assembled: Assembled
    name: str
    differences: tuple[str, ...] = ()

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
            "notes": list(notes(self)),
        }


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
        notes: what a reader should know.
        written: the folder, once it is saved.
    """

    source: str
    plan: Plan
    proof: Proof
    draft: Draft
    target: Network
    origin: Network
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
        return Subjects(self.origin.live, self.target.live, *pair, self.plan)

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write the folder: source, weights, the whole model, the plan, a page with the proof, and a test.

        Everything is written beside its place, the weights are read again and compared bit for bit, and then it is
        moved there.

        Raises:
            Usage: the folder exists and ``force`` is not given.
        """
        out = Path(folder)
        with atomic_folder(out, force=force) as draft:
            (draft / MODEL).write_text(self.source, encoding="utf-8")
            live = self.target.live
            live.save(draft / WEIGHTS, Format.KERAS_WEIGHTS)
            live.save(draft / SAVED, Format.KERAS)
            _check_written(draft, self)
            (draft / PLAN).write_text(self.plan.to_toml(), encoding="utf-8")
            tolerance = Tolerance()
            (draft / "test_parity.py").write_text(
                parity(self.origin.name, 8 * tolerance.atol, 8 * tolerance.rtol), encoding="utf-8"
            )
            np.savez_compressed(draft / STORED, **_parity_arrays(self))
            (draft / "README.md").write_text(_readme(self), encoding="utf-8")
        self.written = out
        return out

    def __str__(self) -> str:
        lines = [f"{self.origin.name} in Keras: {len(self.source.splitlines())} lines, {len(self.plan.rows)} tensors"]
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


def draft(
    origin: Network,
    inputs: Inputs | None,
    *,
    keep_layout: bool = False,
    training: Training | None = None,
    say: Progress = lambda text: None,
) -> Draft:
    """Read a network and write its source, without building it.

    Raises:
        Unsupported: it cannot be read, or uses operators that cannot be written; all of them are listed.
        Usage: nothing says what the inputs are.
    """
    _refuse_framework(origin)
    if inputs is None:
        raise Usage(
            "a PyTorch module says nothing of its inputs, and has to be run once to be translated",
            where=origin.name,
            help="give the shapes of its inputs, batch first: --input 1,3,224,224",
        )
    given = arrays_of(inputs, origin)
    say("reading the source")
    trace: Trace = origin.live.trace(given, open_axes(inputs), WRITERS)
    say(f"writing {len(trace.steps)} operations")
    assembled = assemble(trace, keep_layout=keep_layout)
    compiled = None if training is None else _compiled(training, origin, trace, assembled)
    text = source(assembled, Names(trace.name, f"the PyTorch module {trace.name}"), compiled)
    return Draft(text, trace, assembled, trace.name, () if compiled is None else compiled.differences)


def translate_to_keras(
    origin: Network,
    inputs: Inputs | None,
    *,
    keep_layout: bool = False,
    training: Training | None = None,
    tolerance: Tolerance | None = None,
    gradients: bool = False,
    say: Progress = lambda text: None,
) -> Translation:
    """See ``api.translate``."""
    from homolog.keras.written import build

    made = draft(origin, inputs, keep_layout=keep_layout, training=training, say=say)
    say("building the model")
    live = build(made.source)
    target = Network(f"{made.name} (Keras)", make=lambda: live)
    rows = plan(made.trace, made.assembled, target.tensors(), origin.name, target.name)
    refs = origin.tensors()
    target.live.fill(chain(transfer(rows, refs), constants_of(made.assembled).items()))  # one tensor at a time
    say("proving that both are the same")
    left, right = graphs(made.trace, made.assembled)
    parts = [weights.check(rows, refs, target.tensors())]
    parts += list(run_parts(origin, target, left, right, rows, tolerance, SEEDS, other_sizes=True, gradients=gradients))
    why = causes(origin, target, (left, right), rows, parts, run=True)
    proof = Proof(tuple(parts), (), origin.name, target.name, why)
    return Translation(made.source, rows, proof, made, target, origin, notes(made))


def _compiled(training: Training, origin: Network, trace: Trace, assembled: Assembled) -> Compiled:
    """The training setup as the body of ``compile_model``.

    Raises:
        Usage: it names something else than a setup has.
        Unsupported: a class or setting that no rule knows, or Keras cannot be given.
    """
    from homolog.pytorch.learning_setup import read

    given = dict(training(origin.live.model) if callable(training) else training)
    known = ("optimizer", "loss", "scheduler", "steps_per_epoch", "targets")
    if not set(given) <= set(known):
        raise Usage(
            "the training setup holds what it has no use for", expected=", ".join(known), found=", ".join(given)
        )
    setup = read(given.get("optimizer"), given.get("loss"), given.get("scheduler"), origin.live.model)  # type: ignore[arg-type]  # the user's own objects, told apart there
    (name, value), *_ = trace.outputs.items()
    order = assembled.orders[name]
    rank = len(trace.shape(value))
    last = rank < 2 or order.index(1) == rank - 1
    return keras_compile(
        setup,
        ends_in=_last_operator(trace, value),
        steps_per_epoch=cast(int | None, given.get("steps_per_epoch")),
        class_axis=-1 if last else order.index(1),
        targets=str(given.get("targets", "indices")),
    )


def _last_operator(trace: Trace, value: Value) -> str:
    """What gives a value, whatever only hands it on left out."""
    step = trace.steps[value.node]
    while step.operator in HANDS_ON:
        step = trace.steps[next(iter(step.values())).node]
    return step.operator.removeprefix("_")


COMPUTED = "is computed from it"
"""In the reason why a tensor is not in the plan: the reader's words for a parametrization."""
HANDS_ON = {"clone", "contiguous", "alias", "detach", "view", "reshape", "flatten", "squeeze", "dropout"}


def notes(made: Draft) -> tuple[str, ...]:
    """What a reader of a translation should know: what does not train as it did, and what was left out."""
    found = [f"not carried, for Keras has no such setting: {note}" for note in made.assembled.notes]
    found += [f"training: {difference}" for difference in made.differences]
    computed = [reason for reason in made.trace.ignored.values() if COMPUTED in reason]
    if computed:
        first = computed[0].partition(" is ")[0]
        found.append(f"{first}, and whatever else the source computes from others, is trained as it is used")
    attentions = sum(step.operator == "scaled_dot_product_attention" for step in made.trace.steps.values())
    if attentions:
        found.append(f"dropout inside of {attentions} attentions does not show at inference, and is not carried")
    kinds: dict[str, list[str]] = {}
    for path, kind in made.trace.silent.items():
        kinds.setdefault(kind, []).append(path)
    for kind, paths in kinds.items():
        places = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        found.append(f"{kind} ({places}) does nothing at inference, and is not in the model")
    return tuple(found)


def _refuse_framework(origin: Network) -> None:
    if origin.framework != "pytorch":
        raise Unsupported(
            "the source is a Keras model already", where=origin.name, expected="a PyTorch module", found="Keras"
        )


def _check_written(folder: Path, translation: Translation) -> None:
    """Read both files of weights again and compare them with what should be in them."""
    refs = translation.origin.tensors()
    for name in (WEIGHTS, SAVED):
        held = translation.target.held_in(open_checkpoint(folder / name))
        part = weights.check(translation.plan, refs, held)
        if not part.passed:
            raise Mismatch(f"{name} does not hold what it should; nothing was written", details=part.details)


def _parity_arrays(translation: Translation) -> dict[str, Any]:
    """Inputs in the written model's order of axes, and what the source gives for them in the same."""
    made = translation.draft
    drawn = samples(*graphs(made.trace, made.assembled), batch=PARITY_ROWS, seed=0)
    run = translation.origin.live.run(drawn.first)
    found: dict[str, Any] = {f"input_{place:02}": array for place, array in enumerate(drawn.second.values())}
    for place, (name, array) in enumerate(zip(made.trace.outputs, run.outputs, strict=True)):
        order = cast(tuple[int, ...], made.assembled.orders[name])
        found[f"output_{place:02}"] = np.transpose(array, order)
    return found


def _readme(translation: Translation) -> str:
    from homolog.reporting.markdown import to_markdown
    from homolog.reporting.translations import readme

    made = translation.draft
    orders: Mapping[str, Any] = made.assembled.orders
    inputs = {
        identifier(step.name): (laid(step.shape, orders[step.name]), step.dtypes[0]) for step in made.trace.inputs
    }
    outputs = {name: laid(made.trace.shape(value), orders[name]) for name, value in made.trace.outputs.items()}
    page = to_markdown(translation.proof, title="Proof", level=2)
    return readme(made.name, translation.origin.name, inputs, outputs, translation.notes, page)
