"""The settings of a live layer or operation, in the words that rules read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from homolog import rules
from homolog.keras.framework import require

SAME_FUNCTION = 1e-6
"""How far two activations may lie apart: the nearest two, exact and approximate GELU, lie 4.7e-4 apart."""
PLAIN = bool | int | float | str


def layer_config(layer: Any) -> dict[str, Any]:
    """A layer's settings, with its activation by the name that a rule knows it by: a function of somebody's own that
    gives what a known one gives is that one."""
    try:
        config = dict(layer.get_config())
    except NotImplementedError:  # made with something that Keras cannot write down
        rule = rules.for_keras_layer(type(layer).__name__)
        names = [] if rule is None else [setting.keras for setting in rule.fields if setting.keras]
        config = {name: getattr(layer, name) for name in names if hasattr(layer, name)}
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", None)
    if "activation" not in config or not callable(activation) or rules.for_activation(str(name)) is not None:
        return config
    alike = [known for known, call in _known_activations() if _alike(activation, call)]
    return {**config, "activation": alike[0]} if alike else config


def numbers_in(arguments: Any) -> dict[str, object]:
    """Numbers that an operation is given beside tensors, under the names of its operands: ``x * 0.5`` → ``x2``."""
    given = {f"x{place}": item for place, item in enumerate(arguments.args, start=1)} | dict(arguments.kwargs)
    found: dict[str, object] = {}
    for key, item in given.items():
        if isinstance(item, PLAIN):
            found[key] = item
        elif isinstance(item, require().Variable):
            continue  # one of the weights, and no number that was written down
        elif getattr(item, "shape", None) == () and hasattr(item, "dtype") and not hasattr(item, "_keras_history"):
            found[key] = require().ops.convert_to_numpy(item).item()
    return found


def operation_config(operation: Any) -> dict[str, Any]:
    """An operation's settings; those made inside Keras do not all know how to tell theirs."""
    try:
        return dict(operation.get_config())
    except (NotImplementedError, ValueError, TypeError):
        return {key: value for key, value in vars(operation).items() if not key.startswith("_")}


def _known_activations() -> Iterator[tuple[Any, Any]]:
    """Every activation that a rule knows, as Keras serialises it, and to call."""
    keras = require()
    for rule in rules.TABLE:
        for name in rule.keras.activations:
            call = getattr(keras.activations, name, None)
            if call is not None:
                yield name, call
    approximate = {"class_name": "gelu", "config": {"approximate": True}}
    yield approximate, lambda x: keras.activations.gelu(x, approximate=True)


def _alike(one: Any, two: Any) -> bool:
    """Whether two functions give the same, to the last places of float32, over the range that matters."""
    keras = require()
    grid = keras.ops.convert_to_tensor(np.linspace(-8, 8, 641, dtype=np.float32).reshape(1, -1))
    try:
        first, second = (keras.ops.convert_to_numpy(call(grid)) for call in (one, two))
    except (TypeError, ValueError):
        return False
    return first.shape == second.shape and bool(np.abs(first - second).max() < SAME_FUNCTION)
