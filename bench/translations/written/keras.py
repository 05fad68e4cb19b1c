"""A Keras model that a translation wrote, on its own.

``model.keras`` runs compiled, ``load_model()`` of ``model.py`` does not; the memory that the first takes is noted, for
it is Keras's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.record import Record
from bench.translations import memory
from bench.translations.outputs import Array, Samples
from bench.translations.transposes import compiled, in_graph, in_model
from bench.translations.written.importing import imported

ABSENT = ("homolog", "torch")
WAYS = ()
"""What else is tried, each in a process of its own."""


def trained(model: Any) -> int:
    """How many numbers are trained."""
    return sum(int(np.prod(item.shape)) for item in model.trainable_variables)


def check(saved: Path, samples: Samples, record: Record) -> None:
    """Load both files, run them, count the transposes."""
    import keras

    before = memory.settled()
    with record.stage("model.keras"):
        model, alone = _loaded(saved)
        arguments = fitted(model, samples.given)
        call = compiled(model, arguments)
        graph = in_graph(call.graph.as_graph_def())
        record.note(
            alone=alone, transposes={"model": in_model(model), "graph": graph["all"], "layout": graph["layout"]}
        )
        samples.note("model.keras", call(keras.tree.map_structure(keras.ops.convert_to_tensor, arguments)), record)
    record.note(taken=memory.peak() - before)
    with record.stage("model.py"):
        model = imported(saved / "model.py").load_model()
        samples.note("model.py", model(fitted(model, samples.given), training=False), record)


def fitted(model: Any, given: Mapping[str, Array]) -> Any:
    """Inputs in the structure, order of axes and type that the model has them in.

    Each goes by its name where the model has the same names, and by its place where not.
    """
    import keras

    inputs = list(model.inputs)
    named = {tensor.name for tensor in inputs} == set(given)
    arrays = [given[tensor.name] for tensor in inputs] if named else list(given.values())
    ready = {
        tensor.name: turned(array, tensor.shape).astype(str(tensor.dtype))
        for tensor, array in zip(inputs, arrays, strict=True)
    }
    whole = inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.tree.map_structure(lambda tensor: ready[tensor.name], whole)


def turned(array: Array, shape: Sequence[int | None]) -> Array:
    """An array with its channels where this shape has them."""
    asked = tuple(shape)[1:]

    def fits(way: Array) -> bool:
        pairs = zip(way.shape[1:], asked, strict=True)
        return way.ndim == len(asked) + 1 and all(wanted in (None, length) for length, wanted in pairs)

    if array.ndim == len(asked) + 1 and not fits(array) and fits(np.moveaxis(array, 1, -1)):
        return np.moveaxis(array, 1, -1)
    return array


def _loaded(saved: Path) -> tuple[Any, bool]:
    """The whole model, and whether it needs nothing of model.py: classes that this registers Keras must see first, and
    what is too deep for Python's calls wants more of them."""
    import keras

    try:
        return keras.models.load_model(saved / "model.keras"), True
    except (TypeError, RecursionError):
        imported(saved / "model.py")
        return keras.models.load_model(saved / "model.keras"), False
