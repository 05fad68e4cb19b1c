"""What weightbridge makes of the same pair."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from time import perf_counter
from typing import Any

import numpy as np

LIMIT_S = 30
FORMATS = {"to-keras": ("pytorch", "tensorflow"), "to-torch": ("tensorflow", "pytorch")}
Arrays = dict[str, np.ndarray[Any, Any]]


class TooLong(Exception):
    """The limit is reached."""


def by_weightbridge(source: Arrays, target: Arrays, direction: str, copied: Arrays | None) -> dict[str, Any]:
    """Whether it maps every tensor, in how many seconds, and how many of its values are not homolog's.

    Args:
        source, target: what it is given: both sides' weights by name.
        direction: says which side is whose.
        copied: homolog's copy, if there is one.
    """
    import weightbridge

    forms = FORMATS[direction]
    started = perf_counter()
    found: Arrays | None = None
    note = ""
    try:
        with _limited(LIMIT_S), redirect_stdout(StringIO()):  # it prints every tensor it cannot pair
            found = weightbridge.adapt(dict(source), dict(target), in_format=forms[0], out_format=forms[1])
    except TooLong:
        note = f"stopped after {LIMIT_S} s"
    except (ValueError, AssertionError, KeyError, IndexError, TypeError) as error:
        note = (str(error).splitlines() or [type(error).__name__])[0]
    seconds = perf_counter() - started
    other = None
    if found is not None and copied is not None:
        other = sum(not np.array_equal(np.asarray(array), copied[name]) for name, array in found.items())
    return {"all": found is not None, "seconds": seconds, "note": note, "other_values": other}


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
