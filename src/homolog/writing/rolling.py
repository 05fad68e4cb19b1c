"""Runs of lines → loops."""

from __future__ import annotations

from collections.abc import Collection

from homolog.writing.lines import Fresh, Function, Line
from homolog.writing.loops import Loop


def rolled(function: Function, fresh: Fresh, taken: Collection[str]) -> tuple[list[Line | Loop], tuple[str, ...]]:
    return list(function.lines), function.outputs
