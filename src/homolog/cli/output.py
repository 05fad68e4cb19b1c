"""How a command says things: results to stdout, in words or as JSON, everything else to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from homolog.errors import HomologError


@dataclass
class Output:
    """How a command is to say things."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    def result(self, value: Any, **more: object) -> None:
        """Print a result: an object with ``to_dict``, in words or as JSON."""
        if self.as_json:
            print_json({**value.to_dict(), **more})
        elif not self.quiet:
            from homolog.reporting.text import console, render

            console().print(render(value))

    def say(self, text: str) -> None:
        """A word to stderr, unless silence was asked for."""
        if not self.quiet:
            click.echo(text, err=True)


def print_json(result: Mapping[str, object]) -> None:
    """Print a result as JSON, with the version of its schema."""
    from homolog.reporting.json import to_json

    click.echo(to_json(result))


def fail(error: HomologError, output: Output) -> None:
    """Print an error: in words to stderr, as JSON to stdout."""
    if output.as_json:
        print_json(error.to_dict())
    else:
        from homolog.reporting.text import console, render

        console(stderr=True).print(render(error))


@contextmanager
def progress_on(output: Output) -> Iterator[Callable[[str, int, int], None]]:
    """Bars on stderr, one for each label, while the body runs."""
    if output.quiet or output.as_json:
        yield lambda label, done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    from homolog.reporting.text import console

    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True)) as bars:
        known: dict[str, TaskID] = {}

        def advance(label: str, done: int, total: int) -> None:
            if label not in known:
                known[label] = bars.add_task(label, total=total)
            bars.update(known[label], completed=done)

        yield advance
