"""Calls as lines of source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from homolog.errors import Unsupported

WIDTH = 100
"""Characters that a call may take on one line; the body it goes into is indented."""


@dataclass(frozen=True)
class Code:
    """A piece of source that is written as it is, where a value would be written as its ``repr``."""

    text: str


@dataclass(frozen=True)
class Piece:
    """What one setting contributes to a body.

    Attributes:
        lines: of source.
        value: what the setting is from there on: the name of a variable, or an expression.
        imports, differences: see ``Compiled``.
        compile, fit: arguments for Keras's ``compile`` and ``fit`` besides.
    """

    lines: tuple[str, ...]
    value: str = ""
    imports: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    compile: Mapping[str, object] = field(default_factory=dict)
    fit: Mapping[str, object] = field(default_factory=dict)


def source(value: object) -> str:
    """A value as it stands in source, text in double quotes."""
    if isinstance(value, Code):
        return value.text
    return json.dumps(value) if isinstance(value, str) else repr(value)


def assigned(name: str, function: str, *values: object, **arguments: object) -> tuple[str, ...]:
    """``name = function(values, arguments)``, an argument a line where that gets too long."""
    written = [*map(source, values), *(f"{key}={source(value)}" for key, value in arguments.items())]
    line = f"{name} = {function}({', '.join(written)})"
    if len(line) <= WIDTH:
        return (line,)
    return (f"{name} = {function}(", *(f"    {argument}," for argument in written), ")")


def once(items: Iterable[str]) -> tuple[str, ...]:
    """Each item, the first time it comes."""
    return tuple(dict.fromkeys(items))


def unsupported(what: str, *, where: str, expected: str, found: str, help: str) -> Unsupported:
    """The error of a setting that is known and cannot be written."""
    return Unsupported(what, where=where, expected=expected, found=found, help=help)
