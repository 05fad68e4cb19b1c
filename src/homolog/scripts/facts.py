"""What a script's writer asks of a live Keras model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

INTEGER_LAYERS = {"Embedding", "ReversibleEmbedding", "CategoryEncoding", "Hashing"}
HANDS_ON = {"Dropout", "Reshape", "Flatten", "SpatialDropout1D", "SpatialDropout2D", "Identity"}


def layers_of(model: Any) -> list[Any]:
    """Every layer at any depth, the wrappers left in."""
    return list(model._flatten_layers(include_self=False))


def takes_indices(model: Any, place: int) -> bool:
    """Whether an input is numbers of words, which are looked up, and not amounts."""
    if "int" in str(model.inputs[place].dtype):
        return True
    readers = list(_readers(model, model.inputs[place]))
    return bool(readers) and all(_looks_up(layer, place) for layer in readers)


def _looks_up(layer: Any, place: int) -> bool:
    if type(layer).__name__ in INTEGER_LAYERS:
        return True
    inner = getattr(layer, "inputs", None)
    return inner is not None and hasattr(layer, "layers") and len(inner) == 1 and takes_indices(layer, 0)


def _readers(model: Any, tensor: Any) -> Iterator[Any]:
    """Layers that take a tensor."""
    for operation in model.operations if hasattr(model, "operations") else model._functional.operations:
        for node in operation._inbound_nodes:
            if any(item is tensor for item in node.input_tensors):
                yield operation


def ends_in(model: Any, output: int = 0) -> str | None:
    """The kind of a model's last operation, if it is one that losses look for."""
    operation = model.outputs[output]._keras_history.operation
    for _ in range(100):
        name = type(operation).__name__
        if name in ("Softmax", "Sigmoid", "LogSoftmax"):
            return {"Softmax": "softmax", "Sigmoid": "sigmoid", "LogSoftmax": "log_softmax"}[name]
        activation = getattr(getattr(operation, "activation", None), "__name__", None)
        if activation is not None and activation != "linear":
            return activation if activation in ("softmax", "sigmoid", "log_softmax") else None
        if hasattr(operation, "layers") and getattr(operation, "outputs", None):
            operation = operation.outputs[0]._keras_history.operation
        elif name in HANDS_ON and operation._inbound_nodes:
            operation = operation._inbound_nodes[0].input_tensors[0]._keras_history.operation
        else:
            return None
    return None
