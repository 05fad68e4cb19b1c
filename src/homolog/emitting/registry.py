"""Which operator is written by what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Writer = TypeVar("Writer")


class Writers(dict[str, Writer]):
    """What writes an operator, by its name without overload; of those that work in place by the functional one's."""

    def writes(self, *operators: str) -> Callable[[Writer], Writer]:
        """Declares what writes these operators of ATen."""

        def declared(writer: Writer) -> Writer:
            for name in operators:
                if name in self:
                    raise RuntimeError(f"{name} is written twice")
                self[name] = writer
            return writer

        return declared
