"""A live Keras model → Graph; its variables take the names that files give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homolog.graph import Graph
from homolog.keras.arrays import array_of
from homolog.keras.framework import require
from homolog.keras.nodes import SEED_NAME
from homolog.keras.read import read_config
from homolog.keras.trace import has_rule, trace
from homolog.tensors import TensorRef

if TYPE_CHECKING:
    import keras


def read_model(model: keras.Model, shapes: Sequence[tuple[int, ...]] | None = None) -> Graph:
    """The graph of a live model: from its configuration where rules know every layer, else by tracing it.

    Args:
        model: of any class.
        shapes: of its inputs, batch first, where it must be traced and leaves them open.

    Raises:
        Unsupported: a model that cannot be traced.
    """
    groups = groups_of(model)
    if _is_functional(model) and all(_is_known(layer) for _, layer in walk(model)):
        config = {"class_name": "Sequential" if _is_sequential(model) else "Functional", "config": model.get_config()}
        return read_config(config, {path: [ref for ref, _ in refs] for path, refs in groups.items()})
    return trace(model, groups, {id(layer): path for path, layer in walk(model, deep=True)}, shapes)


def groups_of(model: keras.Model) -> dict[str, list[tuple[TensorRef, Any]]]:
    """Each layer's own variables by the layer's path, in the order Keras keeps them, with references to them."""
    found: dict[str, list[tuple[TensorRef, Any]]] = {}
    seen: set[int] = set()
    for path, layer in walk(model, deep=True):
        names: set[str] = set()
        own = [(path, v) for v in (*_own(layer, "_trainable_variables"), *_own(layer, "_non_trainable_variables"))]
        own += [(_join(path, SEED_NAME), generator.state) for generator in _own(layer, "_seed_generators")]
        for group, variable in own:
            if id(variable) in seen:  # one layer may hold a variable of another, which has named it
                continue
            seen.add(id(variable))
            name = _join(group, variable.name)
            while name in names:
                name += "_"
            names.add(name)
            found.setdefault(group, []).append((_ref(name, variable), variable))
    return found


def layers_by_path(model: keras.Model) -> dict[str, Any]:
    """Layers and operations of a model by path, ``outer/inner`` in nested models and in layers made of layers."""
    return dict(walk(model, deep=True))


def walk(model: Any, path: str = "", *, deep: bool = False) -> Iterator[tuple[str, Any]]:
    """Every layer and operation with its path, outer ones first; nested models are not layers but hold some.

    Args:
        model: a model, or with ``deep`` any layer.
        path: of the model.
        deep: go into layers that are made of layers too. A layer that is in several comes once.
    """
    yield from _Walk(deep).below(model, path)


@dataclass
class _Walk:
    deep: bool
    taken: set[str] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)

    def below(self, model: Any, path: str) -> Iterator[tuple[str, Any]]:
        if self.deep and not _is_functional(model):
            yield path, model
        for inner in _inside(model):
            if self.deep and id(inner) in self.seen:
                continue
            self.seen.add(id(inner))
            name = _join(path, inner.name)
            while name in self.taken:
                name += "_"
            self.taken.add(name)
            if _is_functional(inner) or (self.deep and getattr(inner, "_layers", None)):
                yield from self.below(inner, name)
            else:
                yield name, inner


def as_taken(model: Any, arguments: list[Any]) -> Any:
    """Inputs in the structure that the model takes them in: one by itself, a list, or by name."""
    keras = require()
    structure = getattr(model, "_inputs_struct", None)
    if structure is not None and len(keras.tree.flatten(structure)) == len(arguments):
        return keras.tree.pack_sequence_as(structure, arguments)
    names = input_names(model)
    if structure is None and len(names) == len(arguments):
        return dict(zip(names, arguments, strict=True))
    return arguments[0] if len(arguments) == 1 else arguments


def input_names(model: Any) -> list[str]:
    """Names of the inputs that a model declares, or was built with by name, in the order in which it is called with
    them; none where it takes them in order."""
    keras = require()
    declared = getattr(model, "_inputs_struct", None)
    if declared is not None:
        return [tensor._keras_history[0].name for tensor in keras.tree.flatten(declared)]
    built = list((getattr(model, "_build_shapes_dict", None) or {}).values())
    by_name = len(built) == 1 and isinstance(built[0], dict)
    return list(built[0]) if by_name else []


def _inside(model: Any) -> list[Any]:
    if _is_sequential(model):
        return list(model.layers)
    return list(model.operations) if _is_functional(model) else list(getattr(model, "_layers", ()))


def _is_known(layer: Any) -> bool:
    keras = require()
    return not isinstance(layer, keras.layers.Layer) or has_rule(layer)


def _own(layer: Any, attribute: str) -> Sequence[Any]:
    return getattr(layer, attribute, None) or ()


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _is_sequential(model: Any) -> bool:
    keras = require()
    return isinstance(model, keras.Sequential)


def _is_functional(model: Any) -> bool:
    keras = require()
    return isinstance(model, keras.Sequential) or (isinstance(model, keras.Model) and hasattr(model, "operations"))


def _ref(name: str, variable: Any) -> TensorRef:
    return TensorRef(
        name,
        tuple(variable.shape),
        str(variable.dtype),
        lambda: array_of(variable),
        storage=id(variable),
        trainable=variable.trainable,
    )
