"""The command line: the only place that prints. Results go to stdout, progress and errors to stderr.

Exit codes: 0 fine, 1 the networks differ or the proof failed, 2 usage, 3 unreadable or unsupported, 4 refused as
unsafe. Everything but click is imported by the command that needs it, so that ``--help`` is instant.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

SCHEMA_VERSION = 1
INTERRUPTED = 130

Command = Callable[..., None]


@dataclass
class Output:
    """How a command is to say things."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    def result(self, value: Any, **more: object) -> None:
        """Print a result: an object with ``to_dict``, in words or as JSON."""
        if self.as_json:
            click.echo(json.dumps({"schema_version": SCHEMA_VERSION, **value.to_dict(), **more}, indent=2))
        elif not self.quiet:
            from homolog.reporting.text import console, render

            console().print(render(value))

    def say(self, text: str) -> None:
        """A word to stderr, unless silence was asked for."""
        if not self.quiet:
            click.echo(text, err=True)


def main() -> None:
    """Run the command line; every error that is meant for the user becomes a few lines and an exit code."""
    from homolog.errors import HomologError

    output = Output(
        as_json="--json" in sys.argv[1:], verbose=bool({"-v", "--verbose"} & set(sys.argv[1:]))
    )  # known before click has parsed anything, so that its own errors are reported alike
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except HomologError as error:
        _fail(error, output)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:  # a bug of ours: no traceback reaches the user unless asked for
        if output.verbose:
            raise
        click.echo(f"error: a mistake in homolog: {type(error).__name__}: {error}", err=True)
        click.echo("help: run it again with -v and report what it prints", err=True)
        sys.exit(3)


def _fail(error: Any, output: Output) -> None:
    if output.as_json:
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, **error.to_dict()}, indent=2))
    else:
        from homolog.reporting.text import console, render

        console(stderr=True).print(render(error))


def _common(command: Command) -> Command:
    """The options that every command has; they reach it as one ``output``."""

    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
    @click.option("-v", "--verbose", is_flag=True, help="Say more; show the traceback of a bug.")
    def wrapped(as_json: bool, quiet: bool, verbose: bool, **options: Any) -> None:
        command(Output(as_json, quiet, verbose), **options)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = [*getattr(command, "__click_params__", []), *wrapped.__click_params__]  # type: ignore[attr-defined]  # click's own way to hand options on
    return wrapped


_inputs = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE",
    help="Shape of an input of SRC (of A), batch first: 1,3,224,224. Repeat for several.",
)
_force = click.option("--force", is_flag=True, help="Write over an existing file.")
_atol = click.option("--atol", type=float, help="Allowed absolute difference of float32 outputs.")
_rtol = click.option("--rtol", type=float, help="Allowed difference relative to the largest output.")
_no_run = click.option("--no-run", is_flag=True, help="Compare weights alone; build and run no model.")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="SRC is a file, package.module:factory, or FILE@package.module:factory.",
)
@click.version_option(package_name="homolog")
def cli() -> None:
    """Move trained networks between PyTorch and Keras, and prove that both are the same network."""


@cli.command()
@click.argument("src")
@click.option("-k", "word", metavar="REGEX", help="Only layers and tensors whose name matches.")
@_inputs
@_common
def inspect(output: Output, src: str, word: str | None, inputs: Sequence[str]) -> None:
    """What is in a model or a file: layers, shapes, parameters. Builds nothing from a file."""
    from homolog import api

    found = api.inspect(src, word, inputs=_shapes(inputs))
    output.result(found)
    if not found.safe:
        sys.exit(4)


@cli.command()
@click.argument("src", metavar="SRC[:PATH]")
@click.option("-k", "word", metavar="REGEX", help="Only members whose name matches.")
@click.option("--private", is_flag=True, help="Show names that begin with an underscore too.")
@click.option("--source", is_flag=True, help="Print the source of the object's class or function.")
@click.option("--doc", is_flag=True, help="Print its whole documentation.")
@click.option("--call", is_flag=True, help="Call it without arguments and describe the result.")
@_common
def members(output: Output, src: str, word: str | None, private: bool, source: bool, doc: bool, call: bool) -> None:
    """The members of an object inside a model: dir, help and inspect in one.

    \b
    homolog members lenet5.h5 -k weight
    homolog members lenet5.h5:layers[0].kernel
    homolog members lenet5.pt:state_dict --call
    """
    from homolog.inspecting.members import call as call_member
    from homolog.inspecting.members import describe
    from homolog.inspecting.members import members as list_members
    from homolog.inspecting.paths import resolve
    from homolog.network import open_source

    model, path = open_source(src)
    description = call_member(model, path) if call else describe(model, path)
    if source or doc:
        text = description.source if source else description.doc
        why = description.sourceless if source else "it has no documentation"
        if output.as_json:
            output.result(description)
        elif text is None:
            output.say(f"{description.name or description.type}: {why}")
        else:
            click.echo(text)
        return
    if call:
        output.result(description)
        return
    found = list_members(resolve(model, path) if path else model, word, private=private)
    if output.as_json:
        output.result(description, members=found.to_dict())
    else:
        if word is None:
            output.result(description)
        output.result(found)


@cli.command()
@click.argument("src")
@click.option("-k", "word", metavar="REGEX", help="Only tensors whose name matches.")
@click.option("--values", is_flag=True, help="Read each tensor: least, greatest, mean, NaN and Inf, first values.")
@_common
def weights(output: Output, src: str, word: str | None, values: bool) -> None:
    """The tensors of a model or a file: names, shapes, types."""
    from homolog.inspecting.inspection import tensor_table
    from homolog.network import open_network

    network = open_network(src)
    output.result(tensor_table(network, word, values))
    if network.unsafe:
        output.say(f"the file asks for code, which was not run: {', '.join(network.unsafe)}")
        sys.exit(4)


@cli.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "-o", "out", type=click.Path(path_type=Path), metavar="PLAN.toml", help="Write the plan, to edit and run."
)
@_force
@_inputs
@_common
def match(output: Output, a: str, b: str, out: Path | None, force: bool, inputs: Sequence[str]) -> None:
    """Which tensors of A each tensor of B corresponds to. Reads no values."""
    from homolog import api, files

    plan = api.match(a, b, inputs=_shapes(inputs))
    if out is not None:
        with files.atomic(out, force=force, inputs=()) as draft:
            draft.write_text(plan.to_toml(), encoding="utf-8")
        output.say(f"wrote {out}")
    output.result(plan)


@cli.command()
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
@_no_run
@_force
@_atol
@_rtol
@_inputs
@_common
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

    shapes = _shapes(inputs)
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
        tolerance=_tolerance(atol, rtol),
    )
    if copied.proof.passed:
        copied.save(out, force=force)
    output.result(copied)
    if not copied.proof.passed:
        output.say("the proof failed; nothing was written")
        sys.exit(1)


@cli.command()
@click.argument("a")
@click.argument("b")
@click.option("--layers", is_flag=True, help="Compare and list every pair of corresponding layers.")
@click.option("--seed", type=int, multiple=True, metavar="N", help="Seed of the random inputs; repeat for several.")
@_no_run
@_atol
@_rtol
@_inputs
@_common
def verify(
    output: Output,
    a: str,
    b: str,
    layers: bool,
    seed: Sequence[int],
    no_run: bool,
    atol: float | None,
    rtol: float | None,
    inputs: Sequence[str],
) -> None:
    """Prove that A and B are the same network, or find the first layer in which they differ."""
    from homolog import api

    chosen = {"seeds": tuple(seed)} if seed else {}
    proof = api.verify(a, b, _shapes(inputs), run=not no_run, tolerance=_tolerance(atol, rtol), layers=layers, **chosen)
    output.result(proof)
    if not proof.passed:
        sys.exit(1)


@cli.command()
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
@_force
@_common
def demo(output: Output, folder: Path, epochs: int, mnist: Path | None, seed: int, force: bool) -> None:
    """Train LeNet-5 in both frameworks, copy both ways, and prove both copies."""
    from homolog.demo import run

    with _progress(output) as progress:
        steps = []
        for step in run(folder, epochs=epochs, progress=progress, mnist=mnist, seed=seed, force=force):
            steps.append(step)
            if not output.as_json and not output.quiet:
                from homolog.reporting.text import console, render

                console().print(render(step))
    if output.as_json:
        click.echo(
            json.dumps({"schema_version": SCHEMA_VERSION, "steps": [step.to_dict() for step in steps]}, indent=2)
        )
    if not all(step.passed for step in steps):
        sys.exit(1)


@cli.command()
@_common
def doctor(output: Output) -> None:
    """What is installed here, and what is missing."""
    from homolog.doctor import examine

    report = examine()
    output.result(report)
    if not report.ok:
        sys.exit(3)


@contextmanager
def _progress(output: Output) -> Iterator[Callable[[str, int, int], None]]:
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


def _shapes(texts: Sequence[str]) -> list[tuple[int, ...]] | None:
    """``("1,3,224,224",)`` → ``[(1, 3, 224, 224)]``."""
    from homolog.errors import Usage

    shapes = []
    for text in texts:
        try:
            shape = tuple(int(length) for length in text.replace("x", ",").split(","))
        except ValueError:
            shape = ()
        if not shape or min(shape) < 1:
            raise Usage(
                "this is no shape",
                where=f"--input {text}",
                expected="whole numbers, batch first",
                help="--input 1,3,224,224",
            )
        shapes.append(shape)
    return shapes or None


def _tolerance(atol: float | None, rtol: float | None) -> Any:
    if atol is None and rtol is None:
        return None  # what the element types allow
    from homolog.proof.subjects import Tolerance

    standard = Tolerance()
    return Tolerance(standard.atol if atol is None else atol, standard.rtol if rtol is None else rtol)


if __name__ == "__main__":
    main()
