"""The verbs in a row: what the command line calls, and what users import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from homolog import files
from homolog.errors import Mismatch, Usage
from homolog.graph import Graph
from homolog.inputs import Inputs, arrays_of, given_by
from homolog.matching import match as match_graphs
from homolog.network import WITH_SETTINGS, Network, open_network
from homolog.plan import Plan
from homolog.planning import carrying, not_the_same, probed, read_plan, refuse_guesses, told_by_values
from homolog.proof import Part, Proof, outputs, settings, weights
from homolog.proof.memory import require_room
from homolog.proof.samples import given_samples, samples
from homolog.proof.subjects import Tolerance
from homolog.proving import causes, run_parts
from homolog.reading import read_both
from homolog.tensors import Array, TensorRef, array_ref
from homolog.transfer import transfer

if TYPE_CHECKING:
    from homolog.comparing import Comparison
    from homolog.inspecting.inspection import Inspection
    from homolog.scripts.translation import ScriptTranslation
    from homolog.translating import Training, Translation


def load(src: object) -> Network:
    """Open a network: a file, ``package.module:factory``, ``FILE@package.module:factory``, or a live model.

    Nothing is built before it is needed: ``.graph()`` and ``.tensors()`` of a file read data alone, ``.live.model``
    builds the model.
    """
    network = open_network(src)
    network.require_safe()
    return network


def inspect(src: object, word: str | None = None, *, inputs: Inputs | None = None) -> Inspection:
    """What is in a model or a file: kinds, layers with shapes and counts, and, for a live object, its members.

    Args:
        src: a source, or any live object.
        word: a word or regular expression that names of members, layers and tensors are filtered by.
        inputs: for a PyTorch model, to know the shapes of its values.
    """
    from homolog.inspecting.inspection import inspect_network, inspect_object
    from homolog.source import framework_of

    if not isinstance(src, str | Path | Network) and framework_of(src) is None:
        return inspect_object(src, word)
    network = open_network(src)
    arrays = None if inputs is None else arrays_of(inputs, network)
    return inspect_network(network, word, list(arrays.values()) if isinstance(arrays, Mapping) else arrays)


def match(a: object, b: object, *, inputs: Inputs | None = None, carry_config: bool = False) -> Plan:
    """Find which tensors of ``a`` each tensor of ``b`` corresponds to. Reads no values, writes nothing.

    Args:
        a, b: sources, or live models.
        inputs: for models that must be traced.
        carry_config: say which differences ``copy`` with ``carry_config`` would take away.

    Raises:
        Mismatch: the networks do not correspond.
        Usage: there are settings to carry, and one of the two is a file of weights.
    """
    first, second = load(a), load(b)
    left, right = read_both(first, second, None if inputs is None else arrays_of(inputs, first))
    plan = match_graphs(left, right, first.name, second.name)
    return carrying(first, second, left, right, plan)[1] if carry_config else plan


@dataclass
class Copy:
    """A copy, done in memory: the filled model, how, and the proof.

    Attributes:
        plan: what went where.
        proof: of the filled target against its source.
        target: the network that was filled.
        notes: what is worth knowing about the target's file.
    """

    plan: Plan
    proof: Proof
    target: Network
    source: Network
    notes: tuple[str, ...] = ()
    written: Path | None = field(default=None)

    @property
    def model(self) -> object:
        """The live target, filled."""
        return self.target.live.model

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the copy in the target's format; what the target's file held beside the weights is kept.

        The file is written beside its place, read again, compared bit for bit, and moved there.

        Raises:
            Usage: the path exists and ``force`` is not given, or is one of the inputs, or settings were carried and
                would not be in the file.
        """
        out = Path(path)
        form = self.target.form(out)
        if self.plan.carried and form not in WITH_SETTINGS:
            raise _without_settings(out, form)
        with files.atomic(out, force=force, inputs=_paths(self.source, self.target)) as draft:
            self.target.write(draft, transfer(self.plan, self.source.tensors()), form, self.plan.carried)
            _check_written(draft, self.plan, self.source.tensors(), self.target)
        self.written = out
        return out

    def __str__(self) -> str:
        lines = [f"{len(self.plan.rows)} tensors from {self.source.name} to {self.target.name}"]
        return "\n".join([*lines, *(f"carried: {item}" for item in self.plan.carried), str(self.proof)])

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "output": None if self.written is None else str(self.written),
            "plan": self.plan.to_dict(),
            "proof": self.proof.to_dict(),
            "notes": list(self.notes),
        }


def copy(
    a: object,
    into: object,
    plan: Plan | str | Path | None = None,
    *,
    inputs: Inputs | None = None,
    allow_differences: bool = False,
    carry_config: bool = False,
    run: bool = True,
    tolerance: Tolerance | None = None,
) -> Copy:
    """Copy the weights of ``a`` into ``into`` and prove the copy.

    A live model given as ``into`` is filled in place; a file is not touched, ``Copy.save`` writes a new one. The same
    goes for settings that are carried.

    Args:
        a, into: sources, or live models.
        plan: run this plan instead of finding one.
        inputs: for models that must be traced.
        allow_differences: copy although corresponding layers are set differently. Such a copy is proven by its
            weights alone: the outputs cannot agree.
        carry_config: set what is a plain number or word in the target (eps, slopes, momentum, rates) to what it is in
            the source; ``Copy.plan.carried`` says what was. Other differences stay differences.
        run: False proves by the weights alone, without building the models.
        tolerance: for the outputs.

    Raises:
        Mismatch: the networks do not correspond, or differ in a setting that changes the function.
        Unsupported: the target computes a weight from others.
        Usage: there are settings to carry, and one of the two is a file of weights.
    """
    first, second = load(a), load(into)
    second.require_fillable()
    left, right = read_both(first, second, None if inputs is None else arrays_of(inputs, first))
    graphs = (left, right)
    rows = match_graphs(*graphs, first.name, second.name) if plan is None else read_plan(plan, first, second, graphs)
    if carry_config:
        right, rows = carrying(first, second, left, right, rows)
        if (allow_differences or not rows.differences) and (run or second.checkpoint is None):
            second.live.carry(rows.carried)
    if plan is None and rows.ties and run and not rows.differences and first.has_model and second.has_model:
        settled = probed(first, second, left, right, rows)
        rows = replace(settled, carried=rows.carried, training=rows.training)
    if rows.differences and not allow_differences:
        raise not_the_same(first, second, left, right, rows)
    if plan is None and not run:
        refuse_guesses(rows)
    refs = first.tensors()
    if run:
        require_room(first, second)
    if second.has_model and (run or second.checkpoint is None):
        names = second.live_names()
        second.live.fill((names.get(name, name), array) for name, array in transfer(rows, refs))
        filled = second.live.tensors()
        held = {row.target: filled[names.get(row.target, row.target)] for row in rows.rows}
        parts = [weights.check(rows, refs, held)]
    else:
        parts = [weights.check(rows, refs, {name: array_ref(name, array) for name, array in transfer(rows, refs)})]
    notes = [] if second.checkpoint is None else [f"kept: {extra}" for extra in second.checkpoint.extras]
    notes += [f"carried: {item}" for item in rows.carried]
    if rows.carried and second.checkpoint is None:
        notes.append(f"the settings of {second.name} itself were changed")
    notes += [f"not carried: {difference}" for difference in rows.training]
    if rows.differences:
        notes.append("the outputs were not compared: the networks are set differently")
    elif run:
        parts += list(run_parts(first, second, left, right, rows, tolerance))
    why = causes(first, second, (left, right), rows, parts, run=run and not rows.differences)
    proof = Proof(tuple(parts), rows.differences, first.name, second.name, why)
    return Copy(rows, proof, second, first, tuple(notes))


def translate(
    a: object,
    to: str = "keras",
    inputs: Inputs | None = None,
    *,
    keep_layout: bool = False,
    training: Training | Sequence[object] | bool | None = None,
    gradients: bool = False,
    tolerance: Tolerance | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Translation:
    """Translate a network into readable source of the other framework, fill it, and prove that both are the same.

    Args:
        a: a source, or a live model. It is left as it was.
        to: ``keras`` or ``torch``.
        inputs: shapes or arrays for its arguments, the batch first, in order or by name. The written model takes
            batches of any size. A Keras model says them itself, as far as it knows them.
        keep_layout: leave inputs and outputs in the source's order of axes; else images come as the other framework
            has them: channels last for Keras, first for PyTorch.
        training: of a PyTorch module its ``optimizer``, ``loss``, ``scheduler`` (with ``steps_per_epoch``), or a
            function that gives them for the live model: they become ``compile_model``. A Keras model holds what it
            was compiled with, which becomes ``make_training``; the callbacks may be given, or False to leave it out.
            What differs is in ``Translation.notes``.
        gradients: compare the gradients of one loss as well.
        tolerance: for the outputs.
        say: is told what is being done.

    Raises:
        Unsupported: what cannot be translated, with the reason and the place, before anything is built.
        Usage: no inputs are given, or another framework than there is.
    """
    from homolog.translating.direction import direction
    from homolog.translating.translation import translate as translated

    return translated(
        load(a),
        direction(to),
        inputs,
        keep_layout=keep_layout,
        training=training,
        gradients=gradients,
        tolerance=tolerance,
        say=say,
    )


def translate_script(source: str | Path) -> ScriptTranslation:
    """Translate a Keras training script into a PyTorch training script. Nothing in it is executed.

    Args:
        source: its path, or its text if that has several lines.

    Raises:
        Unreadable: there is no such file, or it is no Python.
        MissingFramework: Keras is not installed, whose layers the script's model is read with.
    """
    from homolog.scripts.translation import translate as translated

    return translated(source)


def check_output(source: Network, target: Network, out: Path, *, force: bool, carry_config: bool = False) -> None:
    """Refuse an output that ``Copy.save`` would refuse, before any work is done.

    Raises:
        Unsupported: the target cannot be filled.
        Usage: it exists and ``force`` is not given, is an input, or its name asks for another format, or for one that
            cannot hold the settings that are to be carried.
    """
    target.require_fillable()
    form = target.form(out)
    if carry_config and form not in WITH_SETTINGS:
        raise _without_settings(out, form)
    files.refuse(out, force=force, inputs=_paths(source, target))


def verify(
    a: object,
    b: object,
    inputs: Inputs | None = None,
    *,
    run: bool = True,
    tolerance: Tolerance | None = None,
    seeds: Sequence[int] = outputs.SEEDS,
    layers: bool = False,
    gradients: bool = False,
    steps: int = 0,
) -> Proof:
    """Prove that two networks are the same, or find where they part.

    Args:
        a, b: sources, or live models, of either framework.
        inputs: arrays, which take the place of random ones, or shapes, for models that must be traced.
        run: False compares the weights alone.
        tolerance: for the outputs.
        seeds: of the random inputs.
        layers: compare every pair of corresponding layers as well, and list them.
        gradients: compare the gradients of one loss as well, tensor by tensor.
        steps: train both for so many steps of plain gradient descent as well, in training mode, and compare what
            becomes of their tensors. Both networks are left as they were.

    Raises:
        Mismatch: the networks do not correspond, so that there is nothing to compare.
        Unsupported: they do not fit into memory together.
        Usage: the inputs given do not fit the first network.
    """
    first, second = load(a), load(b)
    left, right = read_both(first, second, None if inputs is None else arrays_of(inputs, first))
    plan = match_graphs(left, right, first.name, second.name)
    if plan.ties:
        plan = told_by_values(first, second, left, right, plan)
    parts = [_same_weights(plan, first, second, left, right)]
    if left.wired and right.wired:
        parts.append(settings.check(plan, left, right))
    if run:
        parts += list(
            run_parts(
                *(first, second, left, right, plan, tolerance, seeds, layers, given_by(inputs)),
                other_sizes=True,
                gradients=gradients,
                steps=steps,
            )
        )
    why = causes(first, second, (left, right), plan, parts, given_by(inputs), run=run)
    return Proof(tuple(parts), plan.differences, first.name, second.name, why)


def compare(a: object, b: object, word: str | None = None) -> Comparison:
    """Which tensors two files or models share bit for bit, which differ and by how much, which are missing.

    Args:
        a, b: sources, or live models, of any format and framework.
        word: a word or regular expression that names are filtered by.
    """
    from homolog.comparing import compare as compared

    return compared(a, b, word)


def drawn_inputs(
    a: object, b: object, inputs: Inputs | None = None, *, seed: int = outputs.SEEDS[0], batch: int | None = None
) -> dict[str, Array]:
    """The inputs of the first network that ``verify`` of these two runs on, by name.

    ``verify`` given these in place of random ones repeats that run number for number.

    Args:
        a, b: as ``verify`` takes them.
        inputs: as ``verify`` takes them.
        seed: of the random inputs.
        batch: how many rows; as many as the first run of ``verify`` has if None.

    Raises:
        Mismatch: the two take different inputs.
        Unsupported: neither says how large an input is.
    """
    first, second = load(a), load(b)
    left, right = read_both(first, second, None if inputs is None else arrays_of(inputs, first))
    given = given_by(inputs)
    if given is not None:
        return dict(given_samples(left, right, given).first)
    return dict(samples(left, right, batch=outputs.BATCHES[0] if batch is None else batch, seed=seed).first)


def _without_settings(out: Path, form: files.Format) -> Usage:
    return Usage(
        "settings are carried, and the output holds weights alone",
        where=str(out),
        expected="a format that holds the whole model",
        found=str(form),
        help="change the settings in the code that makes the model, and leave out --carry-config",
    )


def _check_written(draft: Path, plan: Plan, refs: Mapping[str, TensorRef], target: Network) -> None:
    """Read a file that was just written and compare it with what should be in it."""
    if plan.carried:
        file = files.open_checkpoint(draft)
        lost = [item for item in plan.carried if file.setting(item.layer, item.keys) != item.after]
        if lost:
            raise Mismatch("the written file does not hold what was carried; it was removed", details=map(str, lost))
    part = weights.check(plan, refs, target.written(draft))
    if not part.passed:
        raise Mismatch("the written file does not hold what it should; it was removed", details=part.details)


def _same_weights(plan: Plan, first: Network, second: Network, left: Graph, right: Graph) -> Part:
    """Every weight of the second from the first's, or the other way about: where one keeps as two what the other adds
    up, or as one what the other folds into another, the sum tells that they are the same, and the parts do not."""
    part = weights.check(plan, first.tensors(), second.tensors())
    if part.passed or all(row.lossless and not row.note for row in plan.rows):
        return part
    back = match_graphs(right, left, second.name, first.name)
    turned = weights.check(back, second.tensors(), first.tensors())
    return turned if turned.passed else part


def _paths(*networks: Network) -> list[Path]:
    return [network.path for network in networks if network.path is not None]
