"""Advice of Keras and TensorFlow that is not for whoever runs homolog, held back while a body runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(logger: str, word: str) -> Iterator[None]:
    """While the body runs, this logger says nothing that this word stands in; all else it says."""

    def keep(record: logging.LogRecord) -> bool:
        return word not in record.getMessage()

    held = logging.getLogger(logger)
    held.addFilter(keep)
    try:
        yield
    finally:
        held.removeFilter(keep)
