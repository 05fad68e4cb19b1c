"""Long work on many small objects, without Python's collector going through all that was there before it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def few_collections() -> Iterator[None]:
    """While the body runs, Python's collector leaves alone what exists already: frameworks hold most of a million
    objects, and a trace makes enough of its own that all of them would be gone through several times.

    Nothing changes for a caller who has set objects aside himself (``gc.freeze``).
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
