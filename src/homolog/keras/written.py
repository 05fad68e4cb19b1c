"""The text of ``model.py`` → a live Keras model, to be filled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from homolog.emitting.imported import built
from homolog.keras.framework import require

if TYPE_CHECKING:
    import keras


def build(source: str) -> keras.Model:
    """Import the text as a module and let it build its model. What it would draw at random is zero."""
    require()
    with _undrawn():
        model: keras.Model = built(source)
    return model


@contextmanager
def _undrawn() -> Iterator[None]:
    """While the body runs, initializers that draw give zeros: every weight is filled, and drawing takes long."""
    from keras import initializers, ops

    def zeros(self: object, shape: tuple[int, ...], dtype: Any = None, **_: object) -> Any:
        return ops.zeros(shape, dtype)

    drawing = (
        initializers.RandomNormal,
        initializers.RandomUniform,
        initializers.TruncatedNormal,
        initializers.VarianceScaling,
        initializers.Orthogonal,
    )
    with ExitStack() as stack:
        for kind in drawing:
            stack.callback(setattr, kind, "__call__", kind.__call__)
            kind.__call__ = zeros
        yield
