"""The verbs in a row: what the command line calls, and what users import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from homolog import files
from homolog.errors import Mismatch, Usage
from homolog.graph import Graph
from homolog.matching import carry, differences
from homolog.matching import match as match_graphs
from homolog.matching.probing import probe
from homolog.network import WITH_SETTINGS, Network, open_network
from homolog.plan import Plan
from homolog.proof import Part, Proof, localise, outputs, weights
from homolog.proof.subjects import Subjects, Tolerance
from homolog.reading import read_both
from homolog.tensors import Array, TensorRef, array_ref
from homolog.transfer import transfer

if TYPE_CHECKING:
    from homolog.inspecting.inspection import Inspection

Inputs = Sequence[Array | Sequence[int]]
"""For each input of the first network an array, or a shape with the batch in front."""


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
    return inspect_network(network, word, None if inputs is None else _arrays(inputs))


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
    left, right = read_both(first, second, None if inputs is None else _arrays(inputs))
    plan = match_graphs(left, right, first.name, second.name)
    return _carrying(first, second, left, right, plan)[1] if carry_config else plan


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
        Usage: there are settings to carry, and one of the two is a file of weights.
    """
    first, second = load(a), load(into)
    left, right = read_both(first, second, None if inputs is None else _arrays(inputs))
    if plan is None:
        rows = match_graphs(left, right, first.name, second.name)
    else:
        rows = read_plan(plan, first, second, (left, right))
    if carry_config:
        right, rows = _carrying(first, second, left, right, rows)
        if (allow_differences or not rows.differences) and (run or second.checkpoint is None):
            second.live.carry(rows.carried)
    if plan is None and rows.ties and run and not rows.differences and first.has_model and second.has_model:
        probed = _probed(first, second, left, right, rows)
        rows = replace(probed, carried=rows.carried, training=rows.training)
    if rows.differences and not allow_differences:
        raise _not_the_same(first, second, left, right, rows)
    if plan is None and not run:
        _refuse_guesses(rows)
    refs = first.tensors()
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
        parts += list(_run_parts(first, second, left, right, rows, tolerance))
    proof = Proof(tuple(parts), rows.differences, first.name, second.name)
    return Copy(rows, proof, second, first, tuple(notes))


def check_output(source: Network, target: Network, out: Path, *, force: bool, carry_config: bool = False) -> None:
    """Refuse an output that ``Copy.save`` would refuse, before any work is done.

    Raises:
        Usage: it exists and ``force`` is not given, is an input, or its name asks for another format, or for one that
            cannot hold the settings that are to be carried.
    """
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
) -> Proof:
    """Prove that two networks are the same, or find where they part.

    Args:
        a, b: sources, or live models, of either framework.
        inputs: for models that must be traced.
        run: False compares the weights alone.
        tolerance: for the outputs.
        seeds: of the random inputs.
        layers: compare every pair of corresponding layers as well, and list them.

    Raises:
        Mismatch: the networks do not correspond, so that there is nothing to compare.
    """
    first, second = load(a), load(b)
    left, right = read_both(first, second, None if inputs is None else _arrays(inputs))
    plan = match_graphs(left, right, first.name, second.name)
    if plan.ties:
        plan = _told_by_values(first, second, left, right, plan)
    parts = [weights.check(plan, first.tensors(), second.tensors())]
    if plan.differences:
        count = len(plan.differences)
        parts.append(
            Part("settings", False, f"{count} setting{'s' if count > 1 else ''} of corresponding layers differ")
        )
    if run:
        parts += list(_run_parts(first, second, left, right, plan, tolerance, seeds, layers))
    return Proof(tuple(parts), plan.differences, first.name, second.name)


def _carrying(first: Network, second: Network, left: Graph, right: Graph, plan: Plan) -> tuple[Graph, Plan]:
    """The target's graph with the source's plain settings, and the plan that says them.

    Raises:
        Usage: one of the two is a file of weights.
    """
    if not first.has_model:
        raise Usage(
            "a file of weights does not say its settings, so there is nothing to carry",
            where=first.name,
            help=f"give it its model: {first.name}@package.module:factory",
        )
    second.require_settings()
    return carry(left, right, plan)


def _not_the_same(first: Network, second: Network, left: Graph, right: Graph, plan: Plan) -> Mismatch:
    """The error for networks that are set differently, with what can be done about it."""
    plain = 0 if plan.carried else len(plan.differences) - len(carry(left, right, plan)[1].differences)
    some = "" if not plain else "all" if plain == len(plan.differences) else f"{plain} of them"
    return Mismatch(
        "the two networks are not the same function",
        where=f"{first.name} and {second.name}",
        details=[f"differs in {difference}" for difference in plan.differences],
        help=f"set {some} as in the source with --carry-config, or copy all the same with --allow-differences"
        if plain
        else "change the target to agree, or copy all the same with --allow-differences",
    )


def _without_settings(out: Path, form: files.Format) -> Usage:
    return Usage(
        "settings are carried, and the output holds weights alone",
        where=str(out),
        expected="a format that holds the whole model",
        found=str(form),
        help="change the settings in the code that makes the model, and leave out --carry-config",
    )


def _refuse_guesses(plan: Plan) -> None:
    """Without running both, layers that only their order tells apart would be a guess.

    Raises:
        Mismatch: with the candidates on either side.
    """
    guessed = [(ours, theirs) for ours, theirs, how in plan.ties if how == "order"]
    if guessed:
        raise Mismatch(
            "some layers cannot be told apart by the graph or their names, and nothing was to be run",
            where=f"{plan.source} and {plan.target}",
            details=[f"{', '.join(ours)} may each be any of {', '.join(theirs)}" for ours, theirs in guessed],
            help="leave out --no-run, or settle it in a plan: homolog match A B -o plan.toml, then --plan plan.toml",
        )


def _probed(first: Network, second: Network, left: Graph, right: Graph, plan: Plan) -> Plan:
    """The plan with its ties paired so that the networks agree once the weights are across; the target, if it is a
    live model, holds the weights of the last try, which the copy overwrites."""
    refs = first.tensors()
    names = second.live_names()

    def score(tried: Plan) -> tuple[bool, float]:
        second.live.fill((names.get(name, name), array) for name, array in transfer(tried, refs))
        subjects = Subjects(first.live, second.live, left, right, _for_live(tried, first, second), first.live_names())
        return localise.agreement(subjects, Tolerance())

    return probe(plan, lambda settled: match_graphs(left, right, first.name, second.name, settled), score, "probe")


def _told_by_values(first: Network, second: Network, left: Graph, right: Graph, plan: Plan) -> Plan:
    """The plan with its ties paired so that most weights are equal: two copies of one network keep them apart."""
    refs, held = first.tensors(), second.tensors()

    def score(tried: Plan) -> tuple[bool, float]:
        part = weights.check(tried, refs, held)
        return part.passed, float(str(part.figures["exact"]))

    return probe(plan, lambda settled: match_graphs(left, right, first.name, second.name, settled), score, "values")


def _run_parts(
    first: Network,
    second: Network,
    left: Graph,
    right: Graph,
    plan: Plan,
    tolerance: Tolerance | None,
    seeds: Sequence[int] = outputs.SEEDS,
    layers: bool = False,
) -> Iterator[Part]:
    """The parts of a proof for which both models are run."""
    missing = [network for network in (first, second) if not network.has_model]
    if missing:
        yield Part(
            "outputs",
            False,
            f"{missing[0].name} holds weights and no model, so nothing could be run",
            (f"help: give it its model, {missing[0].name}@package.module:factory, or prove by weights: --no-run",),
        )
        return
    subjects = Subjects(first.live, second.live, left, right, _for_live(plan, first, second), first.live_names())
    if tolerance is None:
        refs = (*first.tensors().values(), *second.tensors().values())
        tolerance = Tolerance.for_dtypes(ref.dtype for ref in refs)
    yield outputs.check(subjects, tolerance, seeds)
    perturbed = outputs.check_perturbed(subjects, tolerance)
    if perturbed is not None:
        yield perturbed
    if layers:
        yield localise.check_layers(subjects, tolerance, seeds[0])


def _for_live(plan: Plan, first: Network, second: Network) -> Plan:
    """The plan in the live models' names."""
    ours, theirs = first.live_names(), second.live_names()
    if not ours and not theirs:
        return plan
    rows = tuple(
        replace(
            row,
            target=theirs.get(row.target, row.target),
            sources=tuple(ours.get(name, name) for name in row.sources),
        )
        for row in plan.rows
    )
    return replace(plan, rows=rows)


def read_plan(
    plan: Plan | str | Path,
    first: Network,
    second: Network,
    graphs: tuple[Graph, Graph] | None = None,
    *,
    carry_config: bool = False,
) -> Plan:
    """A plan that the user brings, checked against both networks.

    Its rows are taken as they are. Its differences, and what is carried, are found anew: the networks decide, not the
    file.

    Raises:
        Unreadable: it is no plan.
        Mismatch: it names what the networks do not have, leaves something out, or is for other shapes.
    """
    rows = plan if isinstance(plan, Plan) else Plan.from_toml(Path(plan))
    left, right = graphs or read_both(first, second)
    problems = rows.misfits(first.tensors(), second.tensors())
    problems += [f"unknown layer: {name}" for name, _ in rows.pairs if name not in left.nodes]
    problems += [f"unknown layer: {name}" for _, name in rows.pairs if name not in right.nodes]
    if problems:
        raise Mismatch(
            "the plan does not fit these networks",
            details=problems,
            help="write a new one: homolog match A B -o plan.toml",
        )
    rows = replace(rows, differences=differences(left, right, rows.pairs), carried=(), training=())
    return _carrying(first, second, left, right, rows)[1] if carry_config else rows


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


def _arrays(inputs: Inputs) -> list[Array]:
    """Arrays as they are; shapes as zeros."""
    made = []
    for entry in inputs:
        if isinstance(entry, np.ndarray):
            made.append(entry)
        elif all(isinstance(length, int) and length > 0 for length in entry):
            made.append(np.zeros(tuple(map(int, entry)), np.float32))
        else:
            raise Usage(
                "an input is neither an array nor a shape", found=repr(entry), help="for example (1, 3, 224, 224)"
            )
    return made


def _paths(*networks: Network) -> list[Path]:
    return [network.path for network in networks if network.path is not None]
