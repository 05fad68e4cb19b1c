"""How a Keras configuration writes which tensors a call of a layer reads, in the words of Keras 2 and of Keras 3.

Keras 3 writes ``{"args": …, "kwargs": …}`` with ``__keras_tensor__`` entries, Keras 2 nested lists of
``[layer, call, output, kwargs]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

from homolog.errors import Unreadable
from homolog.graph import Value

MODELS = {"Sequential", "Functional", "Model"}

Config = Mapping[str, Any]
Call = tuple[str, int]
Reference = tuple[str, int, int]
"""A layer, the number of its call, the number of the output."""


def _is_reference(entry: object) -> bool:
    return (
        isinstance(entry, list | tuple)
        and len(entry) >= 3
        and isinstance(entry[0], str)
        and isinstance(entry[1], int)
        and isinstance(entry[2], int)
    )


def tensors_of(entry: object) -> Iterator[Config]:
    """Every ``__keras_tensor__`` in a Keras 3 call, in order."""
    if isinstance(entry, Mapping):
        if entry.get("class_name") == "__keras_tensor__":
            yield entry["config"]
        else:
            for item in entry.values():
                yield from tensors_of(item)
    elif isinstance(entry, list | tuple):
        for item in entry:
            yield from tensors_of(item)


def references(entry: object) -> Iterator[Reference]:
    """Every (layer, call, output) that a call reads, in order, however Keras 2 or 3 nests them."""
    if isinstance(entry, Mapping) and entry.get("class_name") == "__keras_tensor__":
        name, call, output = entry["config"]["keras_history"]
        yield (name, call, output)
    elif _is_reference(entry):
        reference = cast(Sequence[Any], entry)
        yield (reference[0], reference[1], reference[2])
        yield from references(reference[3:])
    elif isinstance(entry, Mapping):
        for item in entry.values():
            yield from references(item)
    elif isinstance(entry, list | tuple):
        for item in entry:
            yield from references(item)


def read_in_order(entry: object, parameters: Sequence[str]) -> list[Reference]:
    """Every (layer, call, output) that a call of a known layer reads, without masks: they choose among values, and are
    none.

    Args:
        entry: the call, as Keras 2 or 3 writes it; both sort what is given by name by its name.
        parameters: of the layer's ``call``, those that are values, in order; empty where it takes one, or all alike.
    """
    given = [(name, reference) for name, reference in _named(entry) if not (isinstance(name, str) and "mask" in name)]
    if not parameters:
        return [reference for _, reference in given]
    places = {parameter: place for place, parameter in enumerate(parameters)}
    placed = [(places.get(name) if isinstance(name, str) else name, reference) for name, reference in given]
    known = [(place, reference) for place, reference in placed if place is not None and place < len(parameters)]
    return [reference for _, reference in sorted(known, key=lambda item: item[0])]


def _named(entry: object) -> Iterator[tuple[int | str, Reference]]:
    """What a call reads, with the number or the name of the argument it is given as."""
    if isinstance(entry, Mapping) and "args" in entry:
        arguments, named = entry["args"], entry.get("kwargs", {})
    else:
        flat: Sequence[Any] = [entry] if _is_reference(entry) else entry if isinstance(entry, list | tuple) else ()
        arguments = [item[:3] if _is_reference(item) else item for item in flat]
        named = {
            key: item for part in flat if _is_reference(part) for kwargs in part[3:] for key, item in kwargs.items()
        }
    for place, argument in enumerate(arguments):
        yield from ((place, reference) for reference in references(argument))
    for name, argument in named.items():
        yield from ((name, reference) for reference in references(argument))


def constants_of(arguments: object) -> dict[str, object]:
    """What a Keras 3 call is given beside tensors, under the names that operations give their operands:
    ``add(x, 2.0)`` → ``{"x2": 2.0}``."""
    if not isinstance(arguments, Mapping):
        return {}
    given = {f"x{place}": item for place, item in enumerate(arguments.get("args", ()), start=1)}
    given.update(arguments.get("kwargs", {}))
    return {key: item for key, item in given.items() if item is not None and not list(references(item))}


def first_calls(settings: Config) -> dict[str, int]:
    """The number of each layer's first call. Keras 2 counts the making of a model as its first, so that the calls of
    a model inside another are numbered from one; that shows in the highest number that anything refers to."""
    highest: dict[str, int] = {}
    used = [node for layer in settings["layers"] for node in layer.get("inbound_nodes", ())]
    for name, call, _ in references([used, settings["output_layers"]]):
        highest[name] = max(call, highest.get(name, 0))
    return {
        layer["name"]: int(
            layer["class_name"] in MODELS and highest.get(layer["name"], 0) == len(layer["inbound_nodes"])
        )
        for layer in settings["layers"]
    }


def in_order(arguments: Mapping[Call, object]) -> list[Call]:
    """The calls so that each comes after those it reads from; ties in the order of the configuration."""
    order = {
        call: [(name, index) for name, index, _ in references(entry) if (name, index) in arguments]
        for call, entry in arguments.items()
    }
    try:
        return list(TopologicalSorter(order).static_order())
    except CycleError as error:
        raise Unreadable("the layers of the model are connected in a circle", found=str(error.args[1])) from error


def find(made: Mapping[Reference, Value], reference: Reference) -> Value:
    if reference not in made:
        raise Unreadable("the model refers to a layer that it does not have", found=str(reference))
    return made[reference]
