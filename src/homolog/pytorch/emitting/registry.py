"""Which operator is written by what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from homolog.emitting.registry import Writers

if TYPE_CHECKING:
    from homolog.pytorch.emitting.call import Call

Writer = Callable[["Call"], "str | list[str]"]
"""From a call to the expression of its result; a list where each output has an expression of its own. The expression
of several outputs is one that can be unpacked."""

WRITERS: Writers[Writer] = Writers()
writes = WRITERS.writes
