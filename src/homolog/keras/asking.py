"""What code beyond Keras is told when it asks for the backend, while its model is read on Keras's torch backend.

A layer may compute one thing on TensorFlow and another on PyTorch: keras-hub's ESM hides queries on the one and keys on
the other. What it computes on the model's own backend is what a translation is to compute, so that is what it is told.
Where it goes on to call that backend itself, which takes no tensors of PyTorch's, it is called once more and told that
it is on torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from homolog.keras.exact import lent
from homolog.keras.framework import require
from homolog.live import Call

TORCH = "torch"


class Answer:
    """What ``keras.config.backend()`` says.

    Attributes:
        own: the model's backend.
        says: what is said now: ``own`` or ``TORCH``.
        asked: how often anyone has asked.
    """

    def __init__(self, own: str) -> None:
        self.own = self.says = own
        self.asked = 0
        self._last: Exception | None = None

    def __call__(self) -> str:
        self.asked += 1
        return self.says

    def tried(self, call: Call) -> Call:
        """The call of a layer that is made once more where it has asked, and failed with the answer.

        What failed twice is not tried a third time by the layer around it.
        """

        @wraps(call)  # whoever calls it goes by the names of its arguments
        def answered(*args: Any, **kwargs: Any) -> Any:
            before = self.asked
            try:
                return call(*args, **kwargs)
            except Exception as error:  # whatever the model's own backend says to a tensor of PyTorch's
                if TORCH in (self.says, self.own) or self.asked == before or error is self._last:
                    raise
            self.says = TORCH
            try:
                return call(*args, **kwargs)
            except Exception as error:
                self._last = error
                raise
            finally:
                self.says = self.own

        return answered


@contextmanager
def asking() -> Iterator[Answer]:
    """While the body runs, ``keras.config.backend()`` and ``keras.backend.backend()`` give an answer of their own; what
    Keras asks within itself is another function."""
    keras = require()
    answer = Answer(keras.backend.backend())
    with lent(keras.config, "backend", answer), lent(keras.backend, "backend", answer):
        yield answer
