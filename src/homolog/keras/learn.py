"""Gradients and a few steps of training of a live Keras model, on any backend; the model stays as it was.

Values stand in the variables' places (``exact.called``), and each backend differentiates by them in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from homolog.keras.exact import (
    THROUGHOUT,
    called,
    has_float64,
    is_quantized,
    is_wide,
    layers_of,
    lent,
    refusals,
    values_of,
    variables_of,
    widened,
)
from homolog.keras.framework import require
from homolog.keras.model import groups_of, walk
from homolog.live import Gradients, Lesson, Trained, first_rate
from homolog.results import Results
from homolog.tensors import Array

Call = Callable[[bool], Results]
Loss = Callable[[Sequence[Any]], tuple[Any, Any]]
"""From the values that are trained to the loss, and to what else is worth keeping."""
Made = TypeVar("Made")
RATES = ("rate", "dropout", "recurrent_dropout", "stddev")
"""Settings that say how much a layer does at random."""


def gradients(model: Any, call: Call, cotangents: Sequence[Array | None], jitter: float = 0.0) -> Gradients:
    """See ``Live.gradients``; ``call`` runs the model, given whether it is in training mode."""
    keras = require()

    def work() -> tuple[dict[str, Array], bool]:
        held = variables_of(model)
        values, places = values_of(held, jitter), _trained(model, held)

        def loss(chosen: Sequence[Any]) -> tuple[Any, Any]:
            results, _ = called(call, held, _with(values, places, chosen))
            return _weighed(results, cotangents), list(results.tensors.values())

        found, outputs = _differentiated(loss, [values[place] for place in places])
        by_variable = {
            id(held[place]): keras.ops.convert_to_numpy(array) for place, array in zip(places, found, strict=True)
        }
        return _named(model, by_variable), is_wide(Results({str(n): tensor for n, tensor in enumerate(outputs)}, ()))

    (arrays, wide), precision = _as_exactly_as_it_can(model, work)
    return Gradients(arrays, precision if wide else "float32")


def train(model: Any, call: Call, lesson: Lesson) -> Trained:
    """See ``Live.train``."""
    keras = require()
    names = _names(model)

    def work() -> Trained:
        held = variables_of(model)
        values, places = values_of(held), _trained(model, held)
        losses: list[float] = []
        rate = lesson.rate
        for _ in range(lesson.steps):

            def loss(chosen: Sequence[Any], now: Sequence[Any] = tuple(values)) -> tuple[Any, Any]:
                results, left = called(call, held, _with(now, places, chosen), training=True)
                off = _off(results, lesson.targets)
                return off, (off, left)

            found, (off, left) = _differentiated(loss, [values[place] for place in places])
            losses.append(float(keras.ops.convert_to_numpy(off)))
            if rate is None:
                rate = first_rate(
                    [keras.ops.convert_to_numpy(values[place]) for place in places],
                    [keras.ops.convert_to_numpy(array) for array in found],
                )
            shares = [rate * lesson.shares.get(names[id(held[place])], 1.0) for place in places]
            moved = [
                keras.ops.stop_gradient(values[place] - _like(np.asarray(share), array) * array)
                for place, share, array in zip(places, shares, found, strict=True)
            ]
            values = _with([keras.ops.stop_gradient(value) for value in left], places, moved)
        after = {id(v): keras.ops.convert_to_numpy(value) for v, value in zip(held, values, strict=True)}
        return Trained(_named(model, after), tuple(losses), rate or 0.0, "")

    with _without_chance(model) as silenced:
        trained, precision = _as_exactly_as_it_can(model, work)
    return Trained(trained.arrays, trained.losses, trained.rate, precision, silenced)


def _as_exactly_as_it_can(model: Any, work: Callable[[], Made]) -> tuple[Made, str]:
    """In float64, else, where the backend or a layer does not go with it, in the model's own element types."""
    for throughout in THROUGHOUT if has_float64() and not is_quantized(model) else ():
        try:
            with widened(model, throughout=throughout):
                return work(), "float64"
        except refusals():  # what else is wrong shows again below
            continue
    return work(), "float32"


def _differentiated(loss: Loss, values: Sequence[Any]) -> tuple[list[Any], Any]:
    """The gradient of a loss by each of some values, zero where it does not depend on one, and what else it gives."""
    keras = require()
    backend = keras.backend.backend()
    framework = import_module(backend)
    if backend == "tensorflow":
        with framework.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(values))
            result, more = loss(values)
        found = tape.gradient(result, list(values), unconnected_gradients="zero")
        return [framework.convert_to_tensor(array) for array in found], more  # of lookups, rows with their numbers
    if backend == "jax":
        found, more = framework.grad(loss, has_aux=True)(list(values))
        return found, more
    leaves = [value.detach().requires_grad_() for value in values]
    with framework.enable_grad():
        result, more = loss(leaves)
        found = framework.autograd.grad(result, leaves, allow_unused=True, materialize_grads=True)
    return list(found), more


def _weighed(results: Results, cotangents: Sequence[Array | None]) -> Any:
    keras = require()
    tensors = zip(results.tensors.values(), cotangents, strict=True)
    return sum(keras.ops.sum(tensor * _like(array, tensor)) for tensor, array in tensors if array is not None)


def _off(results: Results, targets: Sequence[Array | None]) -> Any:
    """Half the mean square of what the outputs are off."""
    keras = require()
    tensors = zip(results.tensors.values(), targets, strict=True)
    return sum(
        keras.ops.mean((tensor - _like(array, tensor)) ** 2) / 2 for tensor, array in tensors if array is not None
    )


def _like(array: Array, tensor: Any) -> Any:
    keras = require()
    return keras.ops.convert_to_tensor(
        np.asarray(array, order="C"), dtype=keras.backend.standardize_dtype(tensor.dtype)
    )


def _trained(model: Any, held: Sequence[Any]) -> list[int]:
    """Places of the variables that training changes."""
    trained = {id(variable) for variable in model.trainable_variables}
    return [place for place, variable in enumerate(held) if id(variable) in trained]


def _with(values: Sequence[Any], places: Sequence[int], chosen: Sequence[Any]) -> list[Any]:
    replaced = list(values)
    for place, value in zip(places, chosen, strict=True):
        replaced[place] = value
    return replaced


def _names(model: Any) -> dict[int, str]:
    return {id(variable): ref.name for refs in groups_of(model).values() for ref, variable in refs}


def _named(model: Any, arrays: dict[int, Array]) -> dict[str, Array]:
    return {name: arrays[key] for key, name in _names(model).items() if key in arrays}


@contextmanager
def _without_chance(model: Any) -> Iterator[tuple[str, ...]]:
    """While the body runs, layers that have random numbers are at inference, whatever the model is.

    Yields:
        Paths of those that would do something at random.
    """
    paths = {id(layer): path for path, layer in walk(model, deep=True)}
    found = [layer for layer in layers_of(model) if getattr(layer, "_seed_generators", None)]
    with ExitStack() as stack:
        for layer in found:
            stack.enter_context(lent(layer, "call", _at_inference(layer.call)))
        yield tuple(paths.get(id(layer), layer.name) for layer in found if _at_random(layer))


def _at_random(layer: Any) -> bool:
    rates = [getattr(layer, name) for name in RATES if hasattr(layer, name)]
    return not rates or any(rates)


def _at_inference(call: Callable[..., Any]) -> Callable[..., Any]:
    def quiet(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **{**kwargs, **({"training": False} if "training" in kwargs else {})})

    return quiet
