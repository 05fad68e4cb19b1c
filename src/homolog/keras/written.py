"""The text of ``model.py`` → a live Keras model, to be filled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from homolog import roomy
from homolog.emitting.imported import built
from homolog.keras.arrays import taken
from homolog.keras.exact import has_float64, refusals
from homolog.keras.framework import require
from homolog.keras.handles import quick_handles
from homolog.keras.run import LiveKeras
from homolog.live import Run
from homolog.signature import Given
from homolog.tensors import dtype_of

if TYPE_CHECKING:
    import keras


def build(source: str) -> keras.Model:
    """Import the text as a module and let it build its model. What it would draw at random is zero."""
    require()
    with _undrawn(), quick_handles():
        model: keras.Model = built(source)
    return model


def in_float64(source: str, model: keras.Model, inputs: Given) -> Run | None:
    """What the text computes in float64, as whoever has the file can make it compute.

    Args:
        source: the text.
        model: what it was built to, filled.
        inputs: real numbers in float64.

    Returns:
        None where the backend has no float64, or a layer does not go with it.
    """
    config = require().config
    if not has_float64():
        return None
    floatx, policy = config.floatx(), config.dtype_policy()
    config.set_floatx("float64")
    config.set_dtype_policy("float64")
    try:
        wide = build(source)
        for ours, theirs in zip(wide.variables, model.variables, strict=True):
            ours.assign(theirs)
        return LiveKeras(wide).run(inputs)
    except refusals():
        return None
    finally:
        config.set_floatx(floatx)
        config.set_dtype_policy(policy)


@contextmanager
def _undrawn() -> Iterator[None]:
    """While the body runs, initializers that draw give zeros: every weight is filled, and drawing takes long. Those of
    zeros and ones give the same as ever, without the backend's operators."""
    from keras import backend, initializers

    def zeros(self: object, shape: tuple[int, ...], dtype: Any = None, **_: object) -> Any:
        return taken(roomy.zeros(shape, dtype_of(backend.standardize_dtype(dtype))))

    def ones(self: object, shape: tuple[int, ...], dtype: Any = None, **_: object) -> Any:
        made = roomy.empty(shape, dtype_of(backend.standardize_dtype(dtype)))
        made[...] = 1
        return taken(made)

    instead = {
        initializers.RandomNormal: zeros,
        initializers.RandomUniform: zeros,
        initializers.TruncatedNormal: zeros,
        initializers.VarianceScaling: zeros,
        initializers.Orthogonal: zeros,
        initializers.Zeros: zeros,
        initializers.Ones: ones,
    }
    with ExitStack() as stack:
        for kind, call in instead.items():
            stack.callback(setattr, kind, "__call__", kind.__call__)
            kind.__call__ = call
        yield
