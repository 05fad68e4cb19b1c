"""The command that proves: verify."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from homolog.cli.options import (
    atol_option,
    common,
    force_option,
    inputs_option,
    no_run_option,
    rtol_option,
    shapes_of,
    tolerance_of,
)
from homolog.cli.output import Output

if TYPE_CHECKING:
    from homolog.proof import Proof

_CONTRADICTIONS = (
    ("--no-run", "--gradients"),
    ("--no-run", "--train"),
    ("--no-run", "--save-inputs"),
    ("--load-inputs", "--input"),
)
_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--layers", is_flag=True, help="Compare and list every pair of corresponding layers.")
@click.option("--gradients", is_flag=True, help="Compare the gradients of one loss too, in float64.")
@click.option(
    "--train", "steps", type=click.IntRange(1), metavar="STEPS", help="Train both for so many steps of plain SGD too."
)
@click.option("--seed", type=int, multiple=True, metavar="N", help="Seed of the random inputs; repeat for several.")
@click.option("--load-inputs", "given", type=_FILE, metavar="FILE.npz", help="Run both on these inputs of A, by name.")
@click.option("--save-inputs", "kept", type=_FILE, metavar="FILE.npz", help="Write the inputs of A, of the first seed.")
@click.option("--report", type=_FILE, metavar="FILE.md", help="Write the proof as Markdown too, passed or not.")
@no_run_option
@force_option
@atol_option
@rtol_option
@inputs_option
@common
def verify(
    output: Output,
    a: str,
    b: str,
    layers: bool,
    gradients: bool,
    steps: int | None,
    seed: Sequence[int],
    given: Path | None,
    kept: Path | None,
    report: Path | None,
    no_run: bool,
    force: bool,
    atol: float | None,
    rtol: float | None,
    inputs: Sequence[str],
) -> None:
    """Prove that A and B are the same network, or find the first layer in which they differ, and why."""
    from homolog import api
    from homolog.errors import Mismatch
    from homolog.proof.given import load_inputs, save_inputs
    from homolog.proof.outputs import SEEDS
    from homolog.proof.unmatched import unmatched
    from homolog.reporting.versions import versions

    _refuse_contradictions(
        {
            "--no-run": no_run,
            "--gradients": gradients,
            "--train": steps,
            "--save-inputs": kept,
            "--load-inputs": given,
            "--input": inputs,
        }
    )
    shapes, tolerance = shapes_of(inputs), tolerance_of(atol, rtol)
    first, second = api.load(a), api.load(b)
    sources = [path for path in (first.path, second.path, given) if path is not None]
    if report is not None:
        _refuse_report(report, force, sources)
    ran_on = shapes if given is None else load_inputs(given)
    seeds = tuple(seed) or SEEDS
    options = {
        "--no-run": no_run,
        "--layers": layers,
        "--gradients": gradients,
        "--train": steps,
        "--seed": () if no_run else seeds,
        "--input": inputs,
        "--load-inputs": given,
        "--atol": atol,
        "--rtol": rtol,
    }
    command = repeating(a, b, options)
    try:
        if kept is not None:
            drawn = api.drawn_inputs(first, second, ran_on, seed=seeds[0])
            save_inputs(kept, drawn, force=force, beside=sources)
            output.say(f"wrote {kept}")
        proof = api.verify(
            first,
            second,
            ran_on,
            run=not no_run,
            tolerance=tolerance,
            seeds=seeds,
            layers=layers,
            gradients=gradients,
            steps=steps or 0,
        )
    except Mismatch as error:
        if report is not None:
            _write(report, replace(unmatched(error, first.name, second.name), command=command), force, sources)
            output.say(f"wrote {report}")
        raise
    proof = replace(proof, command=command)
    if report is not None:
        _write(report, proof, force, sources)
        output.say(f"wrote {report}")
    output.result(proof, versions=versions())
    if not output.as_json and not output.quiet:
        click.echo(f"repeat: {command}")  # never folded, so that it can be copied from a narrow terminal too
    if not proof.passed:
        sys.exit(1)


def repeating(a: str, b: str, options: Mapping[str, object]) -> str:
    """The command that gives the same proof: options that are off are left out, several values are repeated."""
    words = ["homolog", "verify", a, b]
    for option, value in options.items():
        if value is True:
            words.append(option)
        elif isinstance(value, list | tuple):
            words += [word for item in value for word in (option, str(item))]
        elif value is not None and value is not False:
            words += [option, str(value)]
    return shlex.join(words)


def _refuse_contradictions(given: Mapping[str, object]) -> None:
    """Options, by name, that leave the other of their pair nothing to do."""
    from homolog.errors import Usage

    for one, other in _CONTRADICTIONS:
        if given[one] and given[other]:
            raise Usage(f"{one} and {other} contradict each other", help="leave out one of the two")


def _refuse_report(report: Path, force: bool, sources: Iterable[Path]) -> None:
    """Before any work is done."""
    from homolog.errors import Usage
    from homolog.files.atomic import refuse

    if report.suffix not in (".md", ".markdown"):
        raise Usage("a report is Markdown", where=f"--report {report}", expected="a name that ends in .md")
    refuse(report, force=force, inputs=sources)


def _write(report: Path, proof: Proof, force: bool, sources: Iterable[Path]) -> None:
    from homolog.files.atomic import atomic
    from homolog.reporting.markdown import to_markdown

    with atomic(report, force=force, inputs=sources) as draft:
        draft.write_text(to_markdown(proof), encoding="utf-8")
