"""How many transposes a Keras model has, as it is written and as TensorFlow runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

KINDS = ("Transpose", "Permute", "Moveaxis", "Swapaxes")
LAYOUTS = ((0, 2, 3, 1), (0, 3, 1, 2), (0, 2, 3, 4, 1), (0, 4, 1, 2, 3))
"""Between channels first and channels last, of images and of videos."""


def in_model(model: Any) -> int:
    """Operations and layers of a functional model that do nothing else, those of models within it included."""
    count = 0
    for operation in model.operations:
        inner = getattr(operation, "layer", operation)  # what TimeDistributed wraps
        count += type(operation).__name__ in KINDS
        if hasattr(inner, "operations"):
            count += in_model(inner)
    return count


def compiled(model: Any, arguments: Any) -> Any:
    """A call of the model as Keras compiles it to predict on a CPU, without XLA, for any size of batch."""
    import tensorflow as tf

    import keras

    specs = keras.tree.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), tf.as_dtype(array.dtype)), arguments
    )
    return tf.function(lambda given: model(given, training=False), jit_compile=False).get_concrete_function(specs)


def in_graph(definition: Any) -> dict[str, int]:
    """Nodes of a GraphDef, before TensorFlow optimizes it, that transpose: all, and those between layouts.

    One that leaves every axis in its place is not counted, for TensorFlow removes it: ``tensordot``, which is Keras's
    Dense on a map, has one.
    """
    found = _orders(definition.node)
    for function in definition.library.function:
        found += _orders(function.node_def)
    moving = [order for order in found if order is None or order != tuple(range(len(order)))]
    return {"all": len(moving), "layout": sum(order in LAYOUTS for order in moving)}


def _orders(nodes: Iterable[Any]) -> list[tuple[int, ...] | None]:
    """The order of axes of each transpose; None for one that the input decides on."""
    known = {node.name: node for node in nodes}
    return [_numbers(node.input[1], known) for node in known.values() if node.op == "Transpose"]


def _numbers(name: str, known: Mapping[str, Any]) -> tuple[int, ...] | None:
    """The constant of this name, or the one that several make when they are strung together."""
    from tensorflow import make_ndarray

    node = known.get(name.partition(":")[0])
    if node is None or node.op not in ("Const", "ConcatV2"):
        return None
    if node.op == "Const":
        return tuple(make_ndarray(node.attr["value"].tensor).ravel().tolist())
    parts = [_numbers(part, known) for part in node.input[:-1]]
    return None if None in parts else tuple(number for part in parts if part is not None for number in part)
