"""The layout that ``.keras`` and ``.weights.h5`` share: ``layers/<class in snake case>_<count>/…/vars/<number>``.

The groups are named for classes and attributes, not for layers. A config, where there is one, says which layer is
which; otherwise the attribute ``name`` of each ``vars`` group does. Format: keras/src/saving/saving_lib.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from homolog.files.checkpoint import Checkpoint, Format
from homolog.files.hdf5 import Group, Source
from homolog.files.keras_config import Entry, class_name, layer_name, layers, settings, snake_case, stored_names
from homolog.files.keras_h5 import copier
from homolog.files.keras_parts import Weight, assemble, describe
from homolog.rules import TABLE, keras_variables

_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # the latter from Keras 2.12 and 2.13
_STATE = re.compile(r"optimizer|_?(compile_)?(metrics|loss)|_?loss_tracker")
_TOP = "top_level_model_weights"
# Keras makes the parts of these layers in another order than that of their names.
_ORDER = ("forward_layer", "backward_layer", "query_dense", "key_dense", "value_dense", "gate_dense", "output_dense")
# What the parts of other layers are made of; a count that differs leaves the numbers standing.
_RECURRENT = ("kernel", "recurrent_kernel", "bias")
_PARTS = {
    "EinsumDense": ("kernel", "bias"),
    **{f"{kind}{end}": _RECURRENT for kind in ("LSTM", "GRU", "SimpleRNN", "ConvLSTM2D") for end in ("", "Cell")},
}


def open_weights(source: Source, tree: Group) -> Checkpoint:
    """The checkpoint of a bare ``.weights.h5``."""
    parts = assemble(weights(tree, None), source)
    return Checkpoint(
        source.path,
        Format.KERAS_WEIGHTS,
        "keras",
        parts.tensors,
        copier(source, parts.datasets),
        groups=parts.groups,
        extras=state(tree),
    )


def state(tree: Group) -> tuple[str, ...]:
    """In words, what the file holds beside the model's weights."""
    return tuple(
        describe(f"{name.strip('_')} state", group) for name, group in tree.groups.items() if _STATE.fullmatch(name)
    )


def weights(tree: Group, config: Mapping[str, Any] | None) -> Iterator[Weight]:
    """Every weight of the model, layers in the config's order, or in that of their names where there is none."""
    own = tree.groups.get("vars")
    if own is not None:
        yield from _variables(own, (_TOP,), (), (_TOP,), None)
    yield from _model(tree, config, ())
    for name, group in sorted(tree.groups.items(), key=_order):
        if name not in (*_CONTAINERS, "vars") and not _STATE.fullmatch(name):
            yield from _attribute(group, (name,))


def _model(node: Group, entry: Entry | None, path: tuple[str, ...]) -> Iterator[Weight]:
    """The weights of a Sequential's or Functional's layers."""
    container = next((node.groups[name] for name in _CONTAINERS if name in node.groups), Group("/"))
    known = dict(stored_names(layers(entry) or ()))
    for stored in (*known, *sorted(container.groups.keys() - known.keys(), key=_key)):
        group = container.groups.get(stored)
        if group is None:
            continue  # without weights, or kept where the same layer came first
        inner = known.get(stored) or _guessed(stored)
        here = (*path, layer_name(inner) if stored in known else _given_name(group) or stored)
        if any(name in group.groups for name in _CONTAINERS):
            own = group.groups.get("vars")
            yield from _variables(own, here, (), here, inner) if own is not None else ()
            yield from _model(group, inner, here)
        else:
            yield from _layer(group, here, (), here, inner)


def _layer(
    node: Group, layer: tuple[str, ...], scopes: tuple[str, ...], full: tuple[str, ...], entry: Entry | None
) -> Iterator[Weight]:
    """The weights of one layer and of the layers that are its parts."""
    own = node.groups.get("vars")
    if own is not None:
        yield from _variables(own, layer, scopes, full, entry)
    names = [stored for stored, _ in stored_names(_cells(entry))] if node.path.endswith("/cells") else []
    order = {name: index for index, name in enumerate(names)}
    children = sorted(node.groups.items(), key=lambda item: (order.get(item[0], len(order)), *_order(item)))
    for name, group in children:
        if name != "vars":
            # A container, such as the list of a stack's cells, has no variables and so no name of its own.
            given = (_given_name(group) or name,) if "vars" in group.groups else ()
            yield from _layer(group, layer, (*scopes, *given), (*full, name), _part(entry, name, group))


def _attribute(node: Group, path: tuple[str, ...]) -> Iterator[Weight]:
    """The weights of a subclassed model: named by the attributes that lead to them, as in its source."""
    own = node.groups.get("vars")
    if own is not None:
        yield from _variables(own, path, (), path, None)
    for name, group in sorted(node.groups.items(), key=_order):
        if name != "vars":
            yield from _attribute(group, (*path, name))


def _variables(
    own: Group, layer: tuple[str, ...], scopes: tuple[str, ...], full: tuple[str, ...], entry: Entry | None
) -> Iterator[Weight]:
    """The arrays of one ``vars`` group, in Keras's order of creation."""
    stored = sorted(own.datasets, key=_key)
    names: tuple[str, ...] | None = None
    if full[-1] in ("seed_generator", "_seed_generator"):
        layer, scopes = (*layer, "seed_generator"), ()
        names = ("seed_generator_state",)
    elif entry is not None:
        names = keras_variables(class_name(entry), settings(entry))
        if (names is None or len(names) != len(stored)) and class_name(entry) in _PARTS:
            names = _PARTS[class_name(entry)][: len(stored)]
    if names is None or len(names) != len(stored):
        names = tuple(stored)
    for name, number in zip(names, stored, strict=True):
        yield Weight("/".join(layer), "/".join((*layer, *scopes, name)), "/".join((*full, name)), own.datasets[number])


def _guessed(stored: str) -> Entry:
    """A layer of the class that a stored name stands for, with the settings that are usual."""
    name = re.sub(r"_\d+$", "", stored)
    return {"class_name": _classes().get(name, name), "config": {}}


@cache
def _classes() -> Mapping[str, str]:
    """Every class of layers that a rule knows, by the name that it is stored under."""
    return {snake_case(name): name for rule in TABLE for name in rule.keras.classes}


def _part(entry: Entry | None, attribute: str, group: Group) -> Entry | None:
    """The config of the layer that an attribute of another layer holds, where the outer config gives it."""
    if entry is None:
        return None
    config = settings(entry)
    if attribute in ("layer", "forward_layer", "backward_layer"):
        inner = config.get(attribute) or config.get("layer")
        return inner if isinstance(inner, dict) else None
    if attribute == "cell":
        inner = config.get("cell", entry)  # LSTM's cell has LSTM's settings
        return inner if isinstance(inner, dict) else None
    if attribute == "cells":
        return entry
    if group.path.rsplit("/", 2)[-2] == "cells":
        return dict(stored_names(_cells(entry))).get(attribute)
    return {"class_name": "EinsumDense", "config": {}} if attribute.lstrip("_") in _ORDER[2:] else None


def _cells(entry: Entry | None) -> list[Entry]:
    found = settings(entry).get("cells") if entry is not None else None
    return [cell for cell in found if isinstance(cell, dict)] if isinstance(found, list) else []


def _given_name(group: Group) -> str | None:
    own = group.groups.get("vars")
    return own.text("name") if own is not None else None


def _order(item: tuple[str, Group]) -> tuple[int, list[tuple[int, str]]]:
    name = item[0].lstrip("_")
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER)), _key(item[0])


def _key(name: str) -> list[tuple[int, str]]:
    """Sorts ``dense_10`` behind ``dense_9``, and ``dense`` before both."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
