"""Long bodies, cut at the modules they stand for."""

from __future__ import annotations

from collections.abc import Sequence

from homolog.writing.lines import Function


def outlined(functions: Sequence[Function], root: Function) -> list[Function]:
    """The functions, with those that keep the others short, the called first."""
    return list(functions)
