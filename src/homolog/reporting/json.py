"""Results as JSON that every reader of JSON takes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

SCHEMA_VERSION = 1


def to_json(result: Mapping[str, object]) -> str:
    """A result's ``to_dict`` as text, with the version of its schema in front."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **plain(result)}, indent=2, allow_nan=False)


def plain(result: Mapping[str, object]) -> dict[str, object]:
    """The same in dicts, lists and numbers alone.

    JSON has no word for infinity and NaN: they become the strings ``inf``, ``-inf`` and ``nan``.
    """
    return {str(key): _plain(value) for key, value in result.items()}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(float(value))
    return value
