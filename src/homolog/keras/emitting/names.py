"""Names of Python for what the source calls by paths."""

from __future__ import annotations

import keyword
import re
from functools import cache

from homolog.keras.framework import require


def identifier(path: str) -> str:
    """A path as a name of Python's."""
    text = "".join(letter if letter.isalnum() else "_" for letter in path)
    return f"_{text}" if text[:1].isdigit() or keyword.iskeyword(text) else text


def is_given_by_keras(name: str) -> bool:
    """Whether Keras may call an operation or a layer so that has no name: two of one name are no model."""
    return re.sub(r"_\d+$", "", name) in _given_by_keras()


@cache
def _given_by_keras() -> frozenset[str]:
    keras = require()
    layers = {_snake(name) for name in dir(keras.layers) if name[:1].isupper()}
    return frozenset({*(name for name in dir(keras.ops) if not name.startswith("_")), *layers})


def _snake(name: str) -> str:
    """A class's name as Keras makes it one of its objects: ``ZeroPadding2D`` → ``zero_padding2d``."""
    apart = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", apart).lower()
