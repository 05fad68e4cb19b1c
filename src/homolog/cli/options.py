"""The options that commands share, and what their words mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from homolog.cli.output import Output

Command = Callable[..., None]


def common(command: Command) -> Command:
    """The options that every command has; they reach it as one ``output``."""

    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
    @click.option("-v", "--verbose", is_flag=True, help="Say more; show the traceback of a bug.")
    def wrapped(as_json: bool, quiet: bool, verbose: bool, **options: Any) -> None:
        command(Output(as_json, quiet, verbose), **options)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = [*getattr(command, "__click_params__", []), *wrapped.__click_params__]  # type: ignore[attr-defined]  # click's own way to hand options on
    return wrapped


inputs_option = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="[NAME:]SHAPE[:DTYPE]",
    help="Shape of an input of SRC (of A), batch first: 1,3,224,224, or ids:1,12:int64. Repeat for several.",
)
force_option = click.option("--force", is_flag=True, help="Write over an existing file.")
atol_option = click.option("--atol", type=float, help="Allowed absolute difference of float32 outputs.")
rtol_option = click.option("--rtol", type=float, help="Allowed difference relative to the largest output.")
no_run_option = click.option("--no-run", is_flag=True, help="Compare weights alone; build and run no model.")


_INPUT = re.compile(
    r"(?:(?P<name>[A-Za-z_]\w*):)?(?P<shape>(?:\d+|\?)(?:[,x](?:\d+|\?))*)(?::(?P<dtype>u?int\d+|b?float\d+|bool))?"
)


def shapes_of(texts: Sequence[str]) -> Any:
    """``("1,3,224,224",)`` → ``[Sized((1, 3, 224, 224))]``; by name where each has one. A ``?`` leaves a length open.

    Raises:
        Usage: a text is no shape, or some have names and some have not.
    """
    from homolog.errors import Usage
    from homolog.inputs import Sized

    found: list[tuple[str | None, Sized]] = []
    for text in texts:
        told = _INPUT.fullmatch(text)
        lengths = told["shape"].replace("x", ",").split(",") if told else []
        shape = tuple(None if length == "?" else int(length) for length in lengths)
        if told is None or 0 in shape:
            raise Usage(
                "this is no shape",
                where=f"--input {text}",
                expected="whole numbers, batch first, or ? for a length that stays open; a name before a colon, an "
                "element type behind one",
                help="--input 1,3,224,224, or --input ids:1,12:int64",
            )
        found.append((told["name"], Sized(shape, told["dtype"] or "float32")))
    named = {name: sized for name, sized in found if name is not None}
    if named and len(named) < len(found):
        raise Usage("some inputs have names, and some have none, or one twice", where=f"--input {' '.join(texts)}")
    return named or [sized for _, sized in found] or None


def tolerance_of(atol: float | None, rtol: float | None) -> Any:
    if atol is None and rtol is None:
        return None  # what the element types allow
    from homolog.proof.subjects import Tolerance

    standard = Tolerance()
    return Tolerance(standard.atol if atol is None else atol, standard.rtol if rtol is None else rtol)
