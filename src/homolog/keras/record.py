"""What passes through the layers of a Keras model while it runs, kept, and replaced where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from homolog.keras.framework import require, results_of
from homolog.live import BEFORE_ACTIVATION, INPUT
from homolog.tensors import Array

Function = Callable[..., Any]


@contextmanager
def recording(
    found: Mapping[str, Any], layers: Iterable[str], instead: Mapping[str, Array], seen: dict[str, Array]
) -> Iterator[None]:
    """Keep what layers give, take, or take into their activation, at their first call: these functions are wrapped on
    the instance, and put back.

    Args:
        found: layers by path.
        layers: paths, or paths with ``BEFORE_ACTIVATION`` or ``INPUT`` behind them.
        instead: for these, what shall go on at the first call, after the layer's own was kept.
        seen: what is kept, by path.
    """
    with ExitStack() as stack:
        for path in dict.fromkeys(layers):
            layer = found.get(path.removesuffix(INPUT).removesuffix(BEFORE_ACTIVATION))
            if layer is None:
                continue  # an operation that a layer makes anew at each call: nothing of the model to watch
            if path.endswith(BEFORE_ACTIVATION):
                wrapped = _taking(path, layer.activation, instead.get(path), seen)
                stack.enter_context(_replaced(layer, "activation", wrapped))
            elif path.endswith(INPUT):
                stack.enter_context(_replaced(layer, "call", _taking(path, layer.call, None, seen)))
            else:
                stack.enter_context(_replaced(layer, "call", _giving(path, layer.call, instead.get(path), seen)))
        yield


def _giving(path: str, call: Function, given: Array | None, seen: dict[str, Array]) -> Function:
    def record(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        kept = _kept(path, result, seen)
        return result if kept is None or given is None else _instead(result, kept, given)

    return record


def _taking(path: str, function: Function, given: Array | None, seen: dict[str, Array]) -> Function:
    def record(*args: Any, **kwargs: Any) -> Any:
        first = args[0] if args else next(iter(kwargs.values()), None)
        kept = _kept(path, first, seen)
        if kept is None or given is None or not args:
            return function(*args, **kwargs)
        return function(_instead(first, kept, given), *args[1:], **kwargs)

    return record


def _kept(path: str, result: Any, seen: dict[str, Array]) -> Array | None:
    """What was kept, at the first call."""
    keras = require()
    tensors = list(results_of(result).tensors.values())
    if not tensors or path in seen:
        return None
    seen[path] = keras.ops.convert_to_numpy(tensors[0])
    return seen[path]


def _instead(own: Any, kept: Array, given: Array) -> Any:
    """The other values, where the layer gives one tensor, and of that shape."""
    keras = require()
    if not keras.ops.is_tensor(own) or kept.shape != given.shape:
        return own
    return keras.ops.convert_to_tensor(given, dtype=kept.dtype.name)


@contextmanager
def _replaced(layer: Any, name: str, function: Any) -> Iterator[None]:
    """Another attribute of the instance for a while; past Keras's own tracking of attributes, which would keep it."""
    before = layer.__dict__.get(name)
    layer.__dict__[name] = function
    try:
        yield
    finally:
        if before is None:
            del layer.__dict__[name]
        else:
            layer.__dict__[name] = before
