"""A live Keras model → Graph: its configuration is read as a file's would be, its variables take the files' names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from homolog.errors import Unsupported
from homolog.graph import Graph
from homolog.keras.framework import require
from homolog.keras.read import read_config
from homolog.tensors import Array, TensorRef

if TYPE_CHECKING:
    import keras


def read_model(model: keras.Model) -> Graph:
    """The graph of a live model.

    Raises:
        Unsupported: a subclassed model, which has no graph in its configuration.
    """
    require()
    name = type(model).__name__
    if not _is_functional(model):
        raise Unsupported(
            f"{name} is a Keras model of a class of its own, which has no graph to read",
            expected="a Sequential or functional model",
            help="build it functionally: keras.Model(inputs, model.call(inputs))",
        )
    config = {"class_name": "Sequential" if _is_sequential(model) else "Functional", "config": model.get_config()}
    return read_config(config, {path: [ref for ref, _ in refs] for path, refs in groups_of(model).items()})


def groups_of(model: keras.Model) -> dict[str, list[tuple[TensorRef, Any]]]:
    """Each layer's own variables by the layer's path, in the order Keras keeps them, with references to them."""
    found: dict[str, list[tuple[TensorRef, Any]]] = {}
    for path, layer in layers_by_path(model).items():
        taken: set[str] = set()
        for inner, variable in _variables(layer):
            group = f"{path}/{inner}" if inner else path
            name = f"{group}/{variable.name}"
            while name in taken:
                name += "_"
            taken.add(name)
            found.setdefault(group, []).append((_ref(name, variable), variable))
    return found


def layers_by_path(model: keras.Model) -> dict[str, Any]:
    """Layers and operations of a functional model by path, ``outer/inner`` in nested models."""
    found: dict[str, Any] = {}
    for layer in model.layers if _is_sequential(model) else model.operations:
        if _is_functional(layer):
            found.update({f"{layer.name}/{path}": inner for path, inner in layers_by_path(layer).items()})
        else:
            found[layer.name] = layer
    return found


def _is_sequential(model: Any) -> bool:
    keras = require()
    return isinstance(model, keras.Sequential)


def _is_functional(model: Any) -> bool:
    keras = require()
    return isinstance(model, keras.Sequential) or (isinstance(model, keras.Model) and hasattr(model, "operations"))


def _variables(layer: Any, inner: str = "") -> Iterator[tuple[str, Any]]:
    """A layer's own variables, then those of the layers inside it: (path inside the layer, variable)."""
    for variable in (*getattr(layer, "_trainable_variables", ()), *getattr(layer, "_non_trainable_variables", ())):
        yield inner, variable
    for generator in getattr(layer, "_seed_generators", ()):
        yield f"{inner}/seed_generator".strip("/"), generator.state
    for child in getattr(layer, "_layers", ()):
        yield from _variables(child, f"{inner}/{child.name}".strip("/"))


def _ref(name: str, variable: Any) -> TensorRef:
    def read() -> Array:
        keras = require()
        array: Array = keras.ops.convert_to_numpy(variable)
        return array

    return TensorRef(
        name, tuple(variable.shape), str(variable.dtype), read, storage=id(variable), trainable=variable.trainable
    )
