"""How many transposes a model has: one of Keras as written and as TensorFlow runs it, one of PyTorch as exported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

KINDS = ("Transpose", "Permute", "Moveaxis", "Swapaxes")
LAYOUTS = ((0, 2, 3, 1), (0, 3, 1, 2), (0, 2, 3, 4, 1), (0, 4, 1, 2, 3))
"""Between channels first and channels last, of images and of videos."""


TURNS = ("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims", "t", "numpy_T", "mT", "adjoint")
COPIES = ("contiguous", "clone")
"""Operators of PyTorch."""


def in_program(program: Any) -> dict[str, int]:
    """Those of an exported program: all, those between layouts, and copies beside them."""
    import torch

    nodes = [node for part in program.graph_module.modules() if hasattr(part, "graph") for node in part.graph.nodes]
    calls = [node for node in nodes if isinstance(node.target, torch._ops.OpOverload)]
    named = [(node.target._schema.name.partition("::")[2], node) for node in calls]
    turns = [_order(name, node) for name, node in named if name in TURNS]
    moving = [order for order in turns if order != tuple(range(len(order)))]
    copies = sum(name in COPIES for name, _ in named)
    return {"graph": len(moving), "layout": sum(order in LAYOUTS for order in moving), "copies": copies}


def _order(name: str, node: Any) -> tuple[int, ...]:
    """The order of axes that a call brings, as it does with a tensor whose axes have their numbers for lengths."""
    import torch

    rank = node.meta["val"].ndim
    numbered = torch.empty(tuple(range(1, rank + 1)), device="meta")
    return tuple(length - 1 for length in node.target(numbered, *node.args[1:], **node.kwargs).shape)


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
