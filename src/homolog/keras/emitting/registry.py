"""Which operator is written by what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homolog.keras.emitting.call import Call

Writer = Callable[["Call"], "str | list[str]"]
"""From a call to the expression of its result; a list where each output has an expression of its own. The expression
of several outputs is one that can be unpacked."""

WRITERS: dict[str, Writer] = {}


def writes(*operators: str) -> Callable[[Writer], Writer]:
    """Declares what writes these operators of ATen (without overload; of those in place the functional one)."""

    def declared(writer: Writer) -> Writer:
        for name in operators:
            if name in WRITERS:
                raise RuntimeError(f"{name} is written twice")
            WRITERS[name] = writer
        return writer

    return declared
