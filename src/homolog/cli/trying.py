"""Commands to begin with: demo, doctor."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from homolog.cli.options import common, force_option
from homolog.cli.output import Output, print_json, progress_on


@click.command()
@click.option(
    "-o", "folder", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, metavar="FOLDER"
)
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True)
@click.option(
    "--mnist",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The four MNIST files, instead of scikit-learn's digits.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@force_option
@common
def demo(output: Output, folder: Path, epochs: int, mnist: Path | None, seed: int, force: bool) -> None:
    """Train LeNet-5 in both frameworks, copy both ways, and prove both copies."""
    from homolog.demo import run

    with progress_on(output) as progress:
        steps = []
        for step in run(folder, epochs=epochs, progress=progress, mnist=mnist, seed=seed, force=force):
            steps.append(step)
            if not output.as_json and not output.quiet:
                from homolog.reporting.text import console, render

                console().print(render(step))
    if output.as_json:
        print_json({"steps": [step.to_dict() for step in steps]})
    if not all(step.passed for step in steps):
        sys.exit(1)


@click.command()
@common
def doctor(output: Output) -> None:
    """What is installed here, and what is missing."""
    from homolog.doctor import examine

    report = examine()
    output.result(report)
    if not report.ok:
        sys.exit(3)
