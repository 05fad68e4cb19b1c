"""A Keras architecture as data: JSON that is read, walked and named, and never deserialised."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from homolog.errors import Mismatch, Unreadable
from homolog.files.edge import reading

MAX_CONFIG = 64 << 20
MAX_DEPTH = 200

Entry = Mapping[str, Any]
"""One layer of a config: ``{"class_name": ..., "config": {...}}``."""


def parse_config(text: str | bytes, where: str) -> dict[str, Any]:
    """A config from its JSON.

    Raises:
        Unreadable: it is too large, nested too deep, not JSON, or not a mapping.
    """
    if len(text) > MAX_CONFIG:
        raise Unreadable("a config is too large", where=where, found=f"{len(text):,} bytes")
    with reading("a config is not sound JSON", where):
        config = json.loads(text)
    if not isinstance(config, dict):
        raise Unreadable("a config is not a mapping", where=where, found=type(config).__name__)
    level: list[Any] = [config]
    for _ in range(MAX_DEPTH):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return config
    raise Unreadable("a config is nested too deep", where=where, expected=f"at most {MAX_DEPTH} levels")


def unsafe_config(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The layers of a config that carry code: Lambda layers and functions stored as bytecode, sorted.

    Each as ``Lambda in <layer>``. Custom classes are not among them: they name code, but do not carry it.
    """
    found: set[str] = set()
    waiting: list[tuple[str, Any]] = [("the model", config)]
    while waiting:
        layer, value = waiting.pop()
        if isinstance(value, dict):
            kind = value.get("class_name")
            inner = value.get("config")
            if isinstance(inner, dict) and isinstance(inner.get("name"), str):
                layer = inner["name"]
            if isinstance(kind, str) and kind.rsplit(">", 1)[-1] in ("Lambda", "__lambda__"):
                found.add(f"Lambda in {layer}")
            # Keras 2 writes a function's bytecode as [code, defaults, closure].
            if any(value.get(key) == "lambda" for key in value if key.endswith("_type")):
                found.add(f"Lambda in {layer}")
        waiting += [(layer, item) for item in _inside(value)]
    return tuple(sorted(found))


def layers(entry: Entry | None) -> list[Entry] | None:
    """The layers of a Sequential or Functional model, in order; None for whatever else."""
    inside = entry.get("config") if entry is not None else None
    found = inside.get("layers") if isinstance(inside, dict) else inside  # early Keras 2: Sequential's config is a list
    if not isinstance(found, list) or not all(isinstance(item, dict) and "class_name" in item for item in found):
        return None
    # An operation such as keras.ops.add is a node of the graph, but no layer.
    return [item for item in found if not str(item.get("module") or "").startswith("keras.src.ops")]


def layer_name(entry: Entry) -> str:
    """The name its author, or Keras, gave the layer."""
    inside = entry.get("config")
    name = (inside.get("name") if isinstance(inside, dict) else None) or entry.get("name")
    return name if isinstance(name, str) else class_name(entry)


def class_name(entry: Entry) -> str:
    """The name of the layer's class, without the package it is registered under."""
    return str(entry.get("class_name")).rsplit(">", 1)[-1]


def settings(entry: Entry) -> Mapping[str, Any]:
    """What the layer was made with."""
    inside = entry.get("config")
    return inside if isinstance(inside, dict) else {}


def settings_at(config: Entry, path: str) -> Mapping[str, Any]:
    """What the layer at a path was made with; nothing if there is no such layer.

    The path goes through nested models and through a layer that wraps another; names may have slashes in them.
    """
    wrapped = settings(config).get("layer")
    for inner in layers(config) or ([wrapped] if isinstance(wrapped, dict) else []):
        name = layer_name(inner)
        if name == path:
            return settings(inner)
        if path.startswith(f"{name}/") and (found := settings_at(inner, path[len(name) + 1 :])):
            return found
    return {}


def with_settings(config: Entry, changes: Iterable[tuple[str, Sequence[str], object]]) -> dict[str, Any]:
    """The config with other settings.

    Args:
        config: of a model.
        changes: the path of a layer, the names that a setting may have, and its value.

    Raises:
        Mismatch: there is no such layer.
    """
    changed = copy.deepcopy(dict(config))
    for path, keys, value in changes:
        held = settings_at(changed, path)
        if not isinstance(held, dict) or not held:
            raise Mismatch("the config has no such layer", where=path)
        held[next((key for key in keys if key in held), keys[0])] = value
    return changed


def leaves(entry: Entry, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """Every layer of a model that is no model itself, with the names that lead to it from inside the model."""
    for inner in layers(entry) or ():
        here = (*path, layer_name(inner))
        if layers(inner) is None:
            yield here, inner
        else:
            yield from leaves(inner, here)


def stored_names(entries: Iterable[Entry]) -> list[tuple[str, Entry]]:
    """The names under which ``.weights.h5`` keeps layers: their class in snake case, numbered within the container.

    Source: keras/src/saving/saving_lib.py, ``_save_container_state``.
    """
    used: dict[str, int] = {}
    found = []
    for entry in entries:
        name = snake_case(class_name(entry))
        count = used[name] = used.get(name, -1) + 1
        found.append((f"{name}_{count}" if count else name, entry))
    return found


def snake_case(name: str) -> str:
    """``Conv2DTranspose`` → ``conv2d_transpose``, as keras/src/utils/naming.py does it."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
