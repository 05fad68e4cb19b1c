"""How values are written that many kinds share: one number for each axis, padding, the order of axes."""

from __future__ import annotations

from homolog.rules.rule import Field, Form


def ints(rank: int) -> Form:
    """One integer for all axes, or one for each."""

    def spread(value: object) -> object:
        if isinstance(value, int):
            return (value,) * rank
        if isinstance(value, list | tuple):
            return tuple(value) * (rank if len(value) == 1 else 1)
        return value

    return Form(spread, spread)


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

    return Form(from_torch, from_keras)


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
