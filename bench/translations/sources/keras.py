"""A Keras model of the zoo as the source of a translation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.pairs.perturb import as_taken, perturb_keras
from bench.translations.model import TRACED, Array, Model
from bench.translations.outputs import flat
from bench.translations.written.keras import fitted


def built(model: Model) -> Any:
    """The model with weights, statistics and scales that prove something."""
    import keras

    keras.utils.set_random_seed(1)
    made = model.make()
    if not model.refused:
        perturb_keras(made, _given(made, model, model.arrays(TRACED, seed=3)), seed=4, gain=model.gain)
    return made


def weights(made: Any) -> int:
    """Bytes of them."""
    return sum(_size(variable) * np.dtype(str(variable.dtype)).itemsize for variable in made.variables)


def outputs(made: Any, model: Model, arrays: Sequence[Array]) -> dict[str, Array]:
    """What a call gives, as a user would make it."""
    found = made(_given(made, model, arrays), training=False)
    return {name: np.asarray(value) for name, value in flat(found).items()}


def exact(made: Any, model: Model, arrays: Sequence[Array]) -> dict[str, Array]:
    """What a call gives in float64; empty where the model has none in float64.

    Keras keeps the type of a model that is made, so homolog's own pass in float64 is what there is.
    """
    import homolog

    names = [entry.name for entry in model.inputs]
    wide = homolog.load(made).live.exact(dict(zip(names, arrays, strict=True)) if all(names) else list(arrays))
    return {} if wide is None else dict(zip(outputs(made, model, arrays), wide.outputs, strict=True))


def trained(made: Any, model: Model) -> dict[str, int]:
    """Numbers that are trained: in the model, and in what of it a call at inference uses."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        found = list(flat(made(_given(made, model, model.arrays(1)), training=False)).values())
        total = sum(tf.reduce_sum(value) for value in found if value.dtype.is_floating)
    gradients = tape.gradient(total, [variable.value for variable in made.trainable_variables])
    pairs = list(zip(made.trainable_variables, gradients, strict=True))
    return {
        "source": sum(_size(variable) for variable, _ in pairs),
        "used": sum(_size(variable) for variable, gradient in pairs if gradient is not None),
    }


def fitting(translation: Any, model: Model) -> Model:
    """The model with inputs of the lengths that the translation takes: it may fix what the source leaves open."""
    steps = list(translation.draft.trace.inputs)
    by_name = {step.name: step for step in steps}
    entries = []
    for place, entry in enumerate(model.inputs):
        shape = by_name.get(entry.name, steps[place]).shape[1:]
        lengths = tuple(own if length is None else length for own, length in zip(entry.shape, shape, strict=True))
        entries.append(replace(entry, shape=lengths))
    return replace(model, inputs=tuple(entries))


def handed(translation: Any, model: Model, arrays: Sequence[Array]) -> dict[str, Array]:
    """Inputs as the translation takes them: in its order, each in the axes and the type that its forward says."""
    made = translation.draft
    steps = list(made.trace.inputs)
    names = [entry.name for entry in model.inputs]
    by_name = dict(zip(names if all(names) else [step.name for step in steps], arrays, strict=True))
    orders = made.assembled.orders
    return {
        step.name: np.ascontiguousarray(by_name[step.name].transpose(orders[step.name]).astype(step.dtypes[0]))
        for step in steps
    }


def turns(made: Any, model: Model) -> int:
    """Transposes that the model asks for itself: those in its compiled graph that move an axis."""
    from bench.translations.transposes import compiled, in_graph

    call = compiled(made, _given(made, model, model.arrays(TRACED)))
    return in_graph(call.graph.as_graph_def())["all"]


def _given(made: Any, model: Model, arrays: Sequence[Array]) -> Any:
    """Inputs as the model takes them; in the catalogue's order where it does not say what these are."""
    names = [entry.name or str(place) for place, entry in enumerate(model.inputs)]
    if not model.told:
        return fitted(made, dict(zip(names, arrays, strict=True)))
    return as_taken(arrays)


def _size(variable: Any) -> int:
    return int(np.prod(variable.shape))
