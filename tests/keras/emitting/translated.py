"""Translates a small module and compares what both give: for the tests of the writers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from homolog.keras.emitting.assemble import Assembled, assemble
from homolog.keras.emitting.registry import WRITERS
from homolog.keras.emitting.source import Names, source
from homolog.keras.emitting.weights import constants_of, plan
from homolog.keras.run import LiveKeras
from homolog.keras.written import build
from homolog.pytorch.program import trace
from homolog.pytorch.read import state
from homolog.transfer import transfer

ROUNDING = 2e-6
"""Of float32, relative to the largest number: small modules add up few numbers."""


@dataclass(frozen=True)
class Translated:
    """A module in Keras.

    Attributes:
        source: text of ``model.py``.
        assembled: what it was made of.
        model: the live model, filled.
    """

    source: str
    assembled: Assembled
    model: Any


def translated(module: torch.nn.Module, *inputs: np.ndarray, keep_layout: bool = False) -> Translated:
    """The module as a filled Keras model."""
    found = trace(module.eval(), list(inputs), written=WRITERS)
    made = assemble(found, keep_layout=keep_layout)
    text = source(made, Names("Model", "a test"))
    live = LiveKeras(build(text))
    rows = plan(found, made, live.tensors(), "a", "b")
    live.fill([*transfer(rows, state(module)), *constants_of(made).items()])
    return Translated(text, made, live.model)


def apart(module: torch.nn.Module, *inputs: np.ndarray, rows: int = 3, keep_layout: bool = False) -> float:
    """How far the outputs of a module and of its translation lie apart at another batch than the traced one: the
    largest difference of any output, relative to its largest number (or to 1, if that is larger).

    Args:
        module: any.
        inputs: of the trace, batch first; random ones of their kind are run.
        rows: of the batch that is run.
        keep_layout: as for ``assemble``.
    """
    found = translated(module, *inputs, keep_layout=keep_layout)
    random = np.random.default_rng(1)
    given = [_like(array, rows, random) for array in inputs]
    with torch.no_grad():
        expected = _listed(module(*map(torch.tensor, given)))
    expected = [item.detach().numpy() for item in expected]
    orders = found.assembled.orders
    names = list(found.assembled.inputs)
    turned = [np.transpose(array, orders[name]) for name, array in zip(names, given, strict=True)]
    results = _listed(found.model(turned[0] if len(turned) == 1 else turned, training=False))
    assert len(results) == len(expected)
    worst = 0.0
    for name, want, have in zip(found.assembled.outputs, expected, results, strict=True):
        wanted = np.transpose(np.asarray(want, np.float64), orders[name])
        given_back = np.asarray(have, np.float64)
        assert given_back.shape == wanted.shape, (given_back.shape, wanted.shape)
        if wanted.size:
            unequal = np.isnan(wanted) != np.isnan(given_back)
            distance = np.abs(np.nan_to_num(wanted) - np.nan_to_num(given_back)).max()
            worst = max(worst, float(distance / max(np.abs(np.nan_to_num(wanted)).max(), 1)), float(unequal.any()))
    return worst


def _like(array: np.ndarray, rows: int, random: np.random.Generator) -> np.ndarray:
    shape = (rows, *array.shape[1:])
    if array.dtype.kind == "f":
        return random.standard_normal(shape).astype(array.dtype)
    if array.dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    return random.integers(int(array.min()), int(array.max()) + 1, shape).astype(array.dtype)


def _listed(result: object) -> list[Any]:
    if isinstance(result, Mapping):
        return [item for value in result.values() for item in _listed(value)]
    if isinstance(result, Sequence):
        return [item for value in result for item in _listed(value)]
    return [result]
