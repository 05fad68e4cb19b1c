"""The weights of one network into another: filled, proven, and only then written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from homolog import files
from homolog.errors import Mismatch, Usage
from homolog.files.endings import WITH_SETTINGS
from homolog.inputs import Inputs, arrays_of
from homolog.matching import match as match_graphs
from homolog.network import Network
from homolog.opening import load
from homolog.plan import Plan
from homolog.planning import carrying, not_the_same, probed, read_plan, refuse_guesses
from homolog.proof import Proof, weights
from homolog.proof.memory import require_room
from homolog.proof.subjects import Tolerance
from homolog.proving import causes, run_parts
from homolog.reading import read_both
from homolog.tensors import TensorRef, array_ref
from homolog.transfer import transfer


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


def _paths(*networks: Network) -> list[Path]:
    return [network.path for network in networks if network.path is not None]
