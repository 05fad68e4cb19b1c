"""The command that translates scripts: translate-script."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from homolog.cli.options import common, force_option
from homolog.cli.output import Output


@click.command("translate-script")
@click.argument("script", type=click.Path(path_type=Path))
@click.option("-o", "out", type=click.Path(path_type=Path), metavar="OUT.py", help="The script to write.")
@click.option("--dry-run", is_flag=True, help="Print the script, and what is left; write nothing.")
@force_option
@common
def translate_script(output: Output, script: Path, out: Path | None, dry_run: bool, force: bool) -> None:
    """Write the Keras training SCRIPT anew for PyTorch. Nothing in it is executed.

    What cannot be translated stays in the written script as a comment, is listed, and ends in exit code 1.
    """
    from homolog import api
    from homolog.errors import Usage
    from homolog.files.atomic import refuse

    if out is None and not dry_run:
        raise Usage(
            "nothing says where to write", expected="-o OUT.py, or --dry-run", help=f"-o {script.stem}_torch.py"
        )
    if out is not None and not dry_run:
        refuse(out, force=force, inputs=[script])
    translation = api.translate_script(script)
    if dry_run:
        if not output.as_json and not output.quiet:
            click.echo(translation.source)
    elif out is not None:
        translation.save(out, force=force)
    output.result(translation)
    if dry_run:
        output.say("nothing was written")
    if not translation.complete:
        sys.exit(1)
