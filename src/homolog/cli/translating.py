"""The command that writes a network anew: translate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from homolog.cli.options import atol_option, common, inputs_option, rtol_option, shapes_of, tolerance_of
from homolog.cli.output import Output


@click.command()
@click.argument("src")
@click.option("--to", "to", type=click.Choice(["keras", "torch"]), required=True, help="The framework to write for.")
@click.option(
    "-o", "out", type=click.Path(path_type=Path), metavar="DIR", help="The folder to write; it must not exist."
)
@click.option("--dry-run", is_flag=True, help="Print what would be written, or what is in the way; write nothing.")
@click.option("--keep-layout", is_flag=True, help="Leave inputs and outputs in the source's order of axes.")
@click.option(
    "--training",
    metavar="MODULE:FUNCTION",
    help="A function of the live model that gives {'optimizer': …, 'loss': …, 'scheduler': …, 'steps_per_epoch': …}.",
)
@click.option("--gradients", is_flag=True, help="Compare gradients as well.")
@click.option("--force", is_flag=True, help="Replace a folder that a translation wrote.")
@atol_option
@rtol_option
@inputs_option
@common
def translate(
    output: Output,
    src: str,
    to: str,
    out: Path | None,
    dry_run: bool,
    keep_layout: bool,
    training: str | None,
    gradients: bool,
    force: bool,
    atol: float | None,
    rtol: float | None,
    inputs: Sequence[str],
) -> None:
    """Write the network SRC anew as readable source with its weights, and prove that both are the same."""
    from homolog import api
    from homolog.errors import Usage
    from homolog.files.folder import refuse_folder
    from homolog.source import factory

    if out is None and not dry_run:
        raise Usage("nothing says where to write", expected="-o DIR, or --dry-run", help=f"-o {Path(src).stem}_{to}")
    if out is not None:
        refuse_folder(out, force=force)
    shapes = shapes_of(inputs)
    setup: Any = None if training is None else factory(training).found()
    if dry_run:
        from homolog.translating.direction import direction
        from homolog.translating.draft import draft

        network = api.load(src)
        output.result(draft(network, direction(to), shapes, keep_layout=keep_layout, training=setup, say=output.say))
        output.say("nothing was written")
        return
    translation = api.translate(
        src,
        to,
        shapes,
        keep_layout=keep_layout,
        training=setup,
        gradients=gradients,
        tolerance=tolerance_of(atol, rtol),
        say=output.say,
    )
    if translation.proof.passed and out is not None:
        translation.save(out, force=force)
    output.result(translation)
    if not translation.proof.passed:
        output.say("the proof failed; nothing was written")
        sys.exit(1)
