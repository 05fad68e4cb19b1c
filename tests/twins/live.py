"""Live twins, and what they hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from homolog.opening import open_network
from homolog.tensors import same_bits

from . import PAIRS


def state(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    return {name: ref.read().copy() for name, ref in open_network(model).tensors().items()}


def same_state(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return one.keys() == two.keys() and all(same_bits(one[name], two[name]) for name in one)


def twin(name: str, to: str) -> tuple[Any, Any]:
    pair = PAIRS[name]
    return (pair.torch(), pair.keras()) if to == "keras" else (pair.keras(), pair.torch())
