"""Commands that move weights: match, copy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

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


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "-o", "out", type=click.Path(path_type=Path), metavar="PLAN.toml", help="Write the plan, to edit and run."
)
@force_option
@inputs_option
@common
def match(output: Output, a: str, b: str, out: Path | None, force: bool, inputs: Sequence[str]) -> None:
    """Which tensors of A each tensor of B corresponds to. Reads no values."""
    from homolog import api, files

    plan = api.match(a, b, inputs=shapes_of(inputs))
    if out is not None:
        with files.atomic(out, force=force, inputs=()) as draft:
            draft.write_text(plan.to_toml(), encoding="utf-8")
        output.say(f"wrote {out}")
    output.result(plan)


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "-o", "out", required=True, type=click.Path(path_type=Path), metavar="OUT", help="The copy, in B's format."
)
@click.option(
    "--plan", type=click.Path(path_type=Path), metavar="PLAN.toml", help="Run this plan instead of finding one."
)
@click.option("--dry-run", is_flag=True, help="Show the plan and write nothing.")
@click.option("--allow-differences", is_flag=True, help="Copy although layers are set differently.")
@click.option(
    "--carry-config",
    is_flag=True,
    help="Set plain settings of B (eps, slopes, momentum, dropout rates) to those of A.",
)
@no_run_option
@force_option
@atol_option
@rtol_option
@inputs_option
@common
def copy(
    output: Output,
    a: str,
    b: str,
    out: Path,
    plan: Path | None,
    dry_run: bool,
    allow_differences: bool,
    carry_config: bool,
    no_run: bool,
    force: bool,
    atol: float | None,
    rtol: float | None,
    inputs: Sequence[str],
) -> None:
    """Copy the weights of A into B, prove the copy, and write it to OUT. A and B are not touched."""
    from homolog import api, planning

    shapes = shapes_of(inputs)
    source, target = api.load(a), api.load(b)
    api.check_output(source, target, out, force=force, carry_config=carry_config)
    if dry_run:
        output.result(
            api.match(source, target, inputs=shapes, carry_config=carry_config)
            if plan is None
            else planning.read_plan(plan, source, target, carry_config=carry_config)
        )
        output.say("nothing was written")
        return
    copied = api.copy(
        source,
        target,
        plan,
        inputs=shapes,
        allow_differences=allow_differences,
        carry_config=carry_config,
        run=not no_run,
        tolerance=tolerance_of(atol, rtol),
    )
    if copied.proof.passed:
        copied.save(out, force=force)
    output.result(copied)
    if not copied.proof.passed:
        output.say("the proof failed; nothing was written")
        sys.exit(1)
