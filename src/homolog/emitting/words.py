"""How single things are said in what is written: numbers, settings, and a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from homolog.errors import Unsupported
from homolog.trace import Step


def word(value: object) -> str:
    """A number or word as it is written."""
    if isinstance(value, float) and not isfinite(value):
        return f'float("{value}")'  # nan, inf, -inf
    return repr(value)


def written(settings: Mapping[str, object]) -> str:
    """Settings as the arguments of a call; those under the empty names ``0``, ``1`` … by place."""
    return ", ".join(repr(value) if key.isdigit() else f"{key}={value!r}" for key, value in settings.items())


def refusal(step: Step, framework: str, found: str, help: str | None = None) -> Unsupported:
    """The error for what a step cannot be written with for a framework."""
    path = step.calls[-1].path if step.calls else ""
    return Unsupported(
        f"{step.operator} cannot be written for {framework} as it is used here",
        where=step.where or path or step.name,
        found=found,
        help=help or "say it otherwise in the source, or open an issue with this line",
    )
