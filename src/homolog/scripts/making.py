"""Calls of Keras that a script makes while it builds a model, made here: its own classes, by their names.

Only what computes nothing, reads no file and runs no code of the script's is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import libcst as cst

from homolog.scripts.values import Made, Name, NotStatic, Unknown

MADE = (
    *("keras.layers.", "keras.optimizers.", "keras.losses.", "keras.regularizers.", "keras.initializers."),
    *("keras.constraints.", "keras.activations.", "keras.applications."),
)
CLASSES = {"keras.Sequential", "keras.Model", "keras.Input", "keras.models.Sequential", "keras.models.Model"}
SETTINGS = {
    f"keras.{module}.{name}"
    for module in ("config", "backend")
    for name in ("epsilon", "floatx", "image_data_format", "backend")
}
"""Functions that say how Keras is set: as it is by default, for what a script sets is not translated."""
REFUSED = {
    **dict.fromkeys(("TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"), "brings code of another framework"),
    **dict.fromkeys(("TextVectorization", "StringLookup", "IntegerLookup"), "makes numbers of words outside the model"),
}
DESCRIBED = ("keras.callbacks.", "keras.metrics.")
CHANGING = {"add", "pop", "build"}
METHODS = {*CHANGING, "get_layer", "get_config", "count_params"}
WEIGHTS = (
    "its weights would be fetched. Make it with weights=None, and copy the weights into the written model: homolog copy"
)


def made(
    name: Name, values: Sequence[Any], keywords: Mapping[str, Any], nodes: Mapping[Any, cst.BaseExpression]
) -> Any:
    """What a call of Keras gives.

    Args:
        name: of the function or class.
        values, keywords: what it is called with.
        nodes: their expressions, by place or keyword.

    Raises:
        NotStatic: it cannot be made before the script runs, or refuses its arguments.
    """
    last = name.dotted.rpartition(".")[2]
    if name.dotted.startswith(DESCRIBED):
        return _described(name, values, keywords, nodes)
    if name.dotted in SETTINGS:
        return called(found(name.dotted), values, keywords, name.dotted)
    computed = name.dotted.startswith("keras.ops.")
    if not (name.dotted.startswith(MADE) or name.dotted in CLASSES or computed):
        raise NotStatic(f"{name.dotted} has no counterpart here")
    if last in REFUSED:
        raise NotStatic(f"{name.dotted} {REFUSED[last]}")
    known(name.dotted, values, keywords)
    function = found(name.dotted)
    if name.dotted.startswith("keras.applications.") and inspect.isfunction(function):
        given = _bound(function, values, keywords)
        if given.get("weights", "imagenet") is not None:
            raise NotStatic(f"{name.dotted}: {WEIGHTS}")
    return called(function, values, keywords, name.dotted)


def known(what: str, values: Sequence[Any], keywords: Mapping[str, Any]) -> None:
    """Raises for an argument whose value is not known.

    Raises:
        NotStatic: there is one.
    """
    places = [*((f"argument {place}", value) for place, value in enumerate(values, 1)), *keywords.items()]
    for place, value in places:
        if _hides(value):
            raise NotStatic(f"{what} is given a value for {place} that only running the script would tell")


def _hides(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_hides, value))
    if isinstance(value, dict):
        return any(map(_hides, value.values()))
    return isinstance(value, Unknown) or type(value).__name__ in ("Array", "Pipeline", "Untranslated", "Made")


def called(function: Any, values: Sequence[Any], keywords: Mapping[str, Any], what: str) -> Any:
    """The result of a call of Keras.

    Raises:
        NotStatic: Keras refuses it, with its own words.
    """
    try:
        return function(*values, **keywords)
    except NotStatic:
        raise
    except Exception as error:  # Keras raises all kinds, for the script's own mistakes too
        raise NotStatic(f"{what}: Keras refuses it: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def found(dotted: str) -> Any:
    """What Keras has under a name.

    Raises:
        NotStatic: nothing.
    """
    from homolog.keras.framework import require

    value = require()
    for part in dotted.split(".")[1:]:
        if part.startswith("_") or not hasattr(value, part):
            raise NotStatic(f"{dotted} is no name of Keras {require().__version__}")
        value = getattr(value, part)
    return value


def _bound(function: Any, values: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(inspect.signature(function).bind(*values, **keywords).arguments)
    except TypeError as error:
        raise NotStatic(str(error)) from error


def _described(
    name: Name, values: Sequence[Any], keywords: Mapping[str, Any], nodes: Mapping[Any, cst.BaseExpression]
) -> Made:
    """A callback or metric, as what it would be made with."""
    function = found(name.dotted)
    if not inspect.isclass(function):
        raise NotStatic(f"{name.dotted} has no counterpart here")
    arguments = _bound(function, values, keywords)
    names = list(inspect.signature(function).parameters)
    placed = {names[key] if isinstance(key, int) else key: node for key, node in nodes.items()}
    return Made(name.dotted, arguments, placed)
