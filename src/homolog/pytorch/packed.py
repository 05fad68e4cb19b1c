"""Packed sequences, which cannot be traced: how many rows each step of them computes depends on values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

HELP = "give the recurrent layers the padded sequences, and pick the last step of each row with torch.gather"


class Packed(Exception):
    """A forward packs sequences; becomes the reason of a refusal, and never reaches a user."""

    def __init__(self) -> None:
        super().__init__("packed sequences: how many rows each of their steps computes depends on values")


@contextmanager
def told_of_packing() -> Iterator[None]:
    """While the body runs, packing raises ``Packed``: PyTorch fails later, in words that do not tell what it was."""
    from torch.nn.utils import rnn

    original = rnn._packed_sequence_init

    def refused(*args: Any, **kwargs: Any) -> NoReturn:
        raise Packed

    rnn._packed_sequence_init = refused
    try:
        yield
    finally:
        rnn._packed_sequence_init = original
