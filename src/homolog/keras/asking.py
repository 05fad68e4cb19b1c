"""What code beyond Keras is told when it asks for the backend, while its model is read on Keras's torch backend.

A layer may compute one thing on TensorFlow and another on PyTorch: keras-hub's ESM hides queries on the one and keys on
the other. What it computes on the model's own backend is what a translation is to compute, so that is what it is told.
Where it goes on to call that backend itself, which takes no tensors of PyTorch's, it is called once more and told that
it is on torch; so are all calls of the layer from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
        told: paths of the layers that are told that they are on torch.
    """

    def __init__(self, own: str, told: set[str]) -> None:
        self.own = self.says = own
        self.told = told
        self.asked = 0
        self._last: Exception | None = None

    def __call__(self) -> str:
        self.asked += 1
        return self.says

    def tried(self, path: str, call: Call) -> Call:
        """The call of the layer of a path that is made once more where it has asked, and failed with the answer.

        What failed twice is not tried a third time by the layer around it.
        """

        @wraps(call)  # whoever calls it goes by the names of its arguments
        def answered(*args: Any, **kwargs: Any) -> Any:
            before = self.asked
            if path in self.told:
                return self._on_torch(call, args, kwargs)
            try:
                return call(*args, **kwargs)
            except Exception as error:  # whatever the model's own backend says to a tensor of PyTorch's
                if TORCH in (self.says, self.own) or self.asked == before or error is self._last:
                    raise
            found = self._on_torch(call, args, kwargs)
            self.told.add(path)
            return found

        return answered

    def _on_torch(self, call: Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        before, self.says = self.says, TORCH
        try:
            return call(*args, **kwargs)
        except Exception as error:
            self._last = error
            raise
        finally:
            self.says = before


@contextmanager
def asking(told: set[str]) -> Iterator[Answer]:
    """While the body runs, ``keras.config.backend()`` and ``keras.backend.backend()`` give an answer of their own; what
    Keras asks within itself is another function.

    Args:
        told: paths of layers that are told that they are on torch; those that turn out to need it are added.
    """
    keras = require()
    answer = Answer(keras.backend.backend(), told)
    with lent(keras.config, "backend", answer), lent(keras.backend, "backend", answer):
        yield answer
