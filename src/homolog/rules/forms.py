"""How values are written that many kinds share: one number for each axis, padding, the order of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from homolog.rules.rule import Field, Form


def together(value: object) -> object:
    """One for all axes, where each has the same."""
    return value[0] if isinstance(value, tuple) and value and len(set(value)) == 1 else value


def ints(rank: int) -> Form:
    """One integer for all axes, or one for each."""

    def spread(value: object) -> object:
        if isinstance(value, int):
            return (value,) * rank
        if isinstance(value, list | tuple):
            return tuple(value) * (rank if len(value) == 1 else 1)
        return value

    return Form(spread, spread, together, together)


def pads(rank: int) -> Form:
    """Padding as ((before, after), …), or ``"same"`` where only the input's size tells."""

    def from_torch(value: object) -> object:
        if isinstance(value, int):
            return ((value, value),) * rank
        if isinstance(value, list | tuple):
            each = tuple(value) * (rank if len(value) == 1 else 1)
            return tuple((amount, amount) for amount in each)
        return ((0, 0),) * rank if value == "valid" else value

    def from_keras(value: object) -> object:
        return ((0, 0),) * rank if value == "valid" else value

    def to_torch(value: object) -> object:
        if isinstance(value, str):
            return value
        pairs = cast(Sequence[tuple[int, int]], value)
        if any(before != after or before < 0 for before, after in pairs):
            raise ValueError("PyTorch pads as much behind as in front")
        return together(tuple(before for before, _ in pairs))

    def to_keras(value: object) -> object:
        if isinstance(value, str):
            return value
        if any(any(pair) for pair in cast(Sequence[tuple[int, int]], value)):
            raise ValueError("Keras pads nothing, or what 'same' means for every length")
        return "valid"

    return Form(from_torch, from_keras, to_torch, to_keras)


def data_format() -> Field:
    """The order of axes, which PyTorch fixes and Keras lets be set."""
    return Field(
        "data_format",
        "data_format",
        Form(from_keras=lambda value: value or "channels_last"),
        otherwise="channels_first",
        absent="channels_last",
        effect="layout",
        torch=False,
    )
