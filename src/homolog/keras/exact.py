"""A live Keras model in float64: a layer's element type is fixed when it is made, and is lent another one here.

Variables stay as they are. Whoever runs the model in float64 gives it their values in float64 by a ``StatelessScope``,
which also catches what the model would assign to them; so neither a gradient nor a statistic is rounded to float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from homolog.keras.float64 import in_float64
from homolog.keras.framework import require
from homolog.keras.model import walk
from homolog.results import Results
from homolog.tensors import HALVES

THROUGHOUT = (True, False)
"""How a pass in float64 is tried: at first with float64 wherever a layer asks for float32 by name, then, if that does
not go with what else it holds (an array of float32, which TensorFlow adds to no float64), as it asks."""


def has_float64() -> bool:
    """Whether the backend computes in float64 (TensorFlow). JAX and PyTorch give float32 when asked for it."""
    keras = require()
    return bool(keras.backend.result_type("float64", "float64") == "float64")


def is_quantized(model: Any) -> bool:
    """Whether a layer stores whole numbers for its weights, and so computes in a type of its own."""
    return any(getattr(layer, "quantization_mode", None) is not None for layer in layers_of(model))


def has_halves(model: Any) -> bool:
    """Whether a layer, or an operation between layers, computes in half precision, of which a pass in float64 shows
    nothing."""
    asked = [layer.compute_dtype for layer in layers_of(model)] + [item.dtype for item in _casting(model)]
    return any(dtype in HALVES for dtype in asked)


@contextmanager
def widened(model: Any, *, throughout: bool = True) -> Iterator[None]:
    """While the body runs, every layer of the model computes in float64, and takes its variables to be float64.

    The model is left as it was: policies, variables, declared inputs and Keras's own default.

    Args:
        model: whose layers.
        throughout: whether a layer that asks for float32 by name is given a float64 (``THROUGHOUT``).
    """
    keras = require()
    policy, default = keras.DTypePolicy("float64"), keras.config.floatx()
    with ExitStack() as stack:
        for layer in layers_of(model):
            stack.enter_context(lent(layer, "_dtype_policy", policy))
            for declared in _declared(layer):
                if _is_float(declared._dtype):
                    stack.enter_context(lent(declared, "_dtype", "float64"))
        for variable in variables_of(model):
            if _is_float(variable._dtype):
                stack.enter_context(lent(variable, "_dtype", "float64"))
        for layer, name, value in _statistics(model):
            stack.enter_context(lent(layer, name, value))
        for operation in _casting(model):
            stack.enter_context(lent(operation, "dtype", "float64"))
        if keras.backend.backend() == "tensorflow":
            for holder, name, function in in_float64(throughout=throughout):
                stack.enter_context(lent(holder, name, function))
        stack.callback(keras.config.set_floatx, default)
        keras.config.set_floatx("float64")  # of constants
        stack.callback(keras.config.set_dtype_policy, keras.config.dtype_policy())
        keras.config.set_dtype_policy(policy)  # of layers that a call makes
        yield


def variables_of(model: Any) -> list[Any]:
    """Every variable of a model once, those of random number generators included."""
    return list({id(variable): variable for variable in model.variables}.values())


def values_of(variables: Sequence[Any], jitter: float = 0.0) -> list[Any]:
    """What variables hold, as tensors of their own, in the element type that they are lent.

    Args:
        variables: of a model.
        jitter: how much larger or smaller, by chance, each of them is taken to be, as a share of itself.
    """
    return [_jittered(_value_of(variable), variable, jitter, seed) for seed, variable in enumerate(variables)]


def _jittered(value: Any, variable: Any, share: float, seed: int) -> Any:
    if not share or variable._dtype != "float64":
        return value
    return value * (1 + share * np.random.default_rng(seed).choice([-1.0, 1.0], size=variable.shape))


def _value_of(variable: Any) -> Any:
    keras = require()
    array = keras.ops.convert_to_numpy(variable)
    return keras.ops.convert_to_tensor(array.copy(), dtype=variable._dtype)


def called(
    call: Callable[[bool], Results], variables: Sequence[Any], values: Sequence[Any], *, training: bool = False
) -> tuple[Results, list[Any]]:
    """Call a model with these values in its variables' place, which stay as they are.

    Returns:
        What it gives, and what it would leave in the variables.
    """
    keras = require()
    with keras.StatelessScope(list(zip(variables, values, strict=True))) as scope:
        results = call(training)
    return results, [scope.get_current_value(variable) for variable in variables]


def exact(model: Any, call: Callable[[bool], Results], jitter: float = 0.0) -> Results | None:
    """A forward pass at inference in float64.

    Args:
        model: what is run.
        call: calls it, given whether it is in training mode.
        jitter: how much larger or smaller, by chance, each weight is taken to be, as a share of itself.

    Returns:
        None where the backend has no float64, where a layer is quantized, and where a layer does not go with it: it
        makes tensors of a type of its own, which TensorFlow refuses to mix with float64 (ValueError, TypeError and
        the backend's own error, as for an operation that it has for float32 alone).
    """
    if not has_float64() or is_quantized(model):
        return None
    for throughout in THROUGHOUT:
        with widened(model, throughout=throughout), _one_at_a_time(jitter):
            try:
                results = call(False)
            except refusals():
                continue
        return results if is_wide(results) else None
    return None


def _one_at_a_time(jitter: float) -> Any:
    """A scope in which each variable is widened when it is read: all of them at once would take twice the model."""
    keras = require()
    seeds: dict[int, int] = {}

    class Scope(keras.StatelessScope):  # type: ignore[misc, name-defined]
        def get_current_value(self, variable: Any) -> Any:
            known = super().get_current_value(variable)
            if known is not None:
                return known
            seed = seeds.setdefault(id(variable), len(seeds))  # the same at every reading
            return _jittered(_stored(variable), variable, jitter, seed)

    return Scope()


def _stored(variable: Any) -> Any:
    """What a variable holds, in the element type that it is lent, past the scope that it is asked in."""
    keras = require()
    return keras.ops.cast(variable._value, variable._dtype)


def is_wide(results: Results) -> bool:
    """Whether no output was narrowed on its way."""
    keras = require()
    kinds = [keras.backend.standardize_dtype(tensor.dtype) for tensor in results.tensors.values()]
    return all(kind == "float64" for kind in kinds if _is_float(kind))


def refusals() -> tuple[type[Exception], ...]:
    """The errors with which Keras, and the backend itself, refuse an element type."""
    keras = require()
    if keras.backend.backend() == "tensorflow":
        own: type[Exception] = import_module("tensorflow").errors.OpError
        return (ValueError, TypeError, own)
    return (ValueError, TypeError, RuntimeError)


def layers_of(model: Any) -> list[Any]:
    """Every layer with an element type: the model, what it is made of, and what those are made of."""
    keras = require()
    found = {id(layer): layer for layer in model._flatten_layers(include_self=True, recursive=True)}
    found |= {id(layer): layer for _, layer in walk(model, deep=True) if isinstance(layer, keras.layers.Layer)}
    return list(found.values())


def _declared(layer: Any) -> Iterator[Any]:
    """What says in which type a layer takes its inputs, where it is a model: these would be narrowed to it."""
    keras = require()
    if isinstance(layer, keras.layers.InputLayer):
        yield layer
    inside = getattr(layer, "_functional", None) or layer  # what a Sequential is run by
    yield from getattr(inside, "_inputs", ())


def _statistics(model: Any) -> Iterator[tuple[Any, str, Any]]:
    """What layers that were adapted to data have made of their variables, and compute with, in float64: the mean, and
    a variance whose root is the deviation that the layer divides by, as rounded as the mean is."""
    keras = require()
    for layer in layers_of(model):
        if isinstance(layer, keras.layers.Normalization) and layer.mean is not None:
            deviation = keras.ops.cast(keras.ops.sqrt(layer.variance), "float64")
            yield layer, "mean", keras.ops.cast(layer.mean, "float64")
            yield layer, "variance", keras.ops.square(deviation)


def _casting(model: Any) -> Iterator[Any]:
    """The operations between a model's layers that give floats of a type of their own: casts above all."""
    keras = require()
    for layer in layers_of(model):
        for operation in getattr(layer, "_operations", ()):
            if isinstance(operation, keras.Operation) and not isinstance(operation, keras.layers.Layer):
                dtype = getattr(operation, "dtype", None)
                if isinstance(dtype, str) and _is_float(dtype):
                    yield operation


def _is_float(dtype: str) -> bool:
    return "float" in dtype


@contextmanager
def lent(holder: Any, name: str, value: object) -> Iterator[None]:
    """Another attribute of an instance for a while, past its own ways of setting it, which have effects."""
    held = vars(holder)
    had, before = name in held, held.get(name)
    held[name] = value
    try:
        yield
    finally:
        if had:
            held[name] = before
        else:
            del held[name]
