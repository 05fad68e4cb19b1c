"""A translated model in float64: nothing in it is bound to float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from placed import MAP, Behind, One, drawn
from torch import nn
from translated import translated

from homolog.keras.exact import called, values_of, variables_of, widened
from homolog.results import taken_apart

FUNCTIONS: dict[str, Callable] = {
    "arithmetic": lambda x: (x * 0.1 + 0.3) / 7 - x**2,
    "activations": lambda x: [nn.functional.elu(x, 0.3), nn.functional.softplus(x, 0.7), nn.functional.mish(x)],
    "casts": lambda x: [(x > 0).to(x.dtype) / 3, (x > 0).type_as(x) * x, (x * 3).round().long().to(x.dtype) / 7],
    "functions of integers": lambda x: [(x * 3).long() / 7, torch.sqrt((x * 3).long().abs())],
    "masks": lambda x: torch.where(x > 0, x / 3, 0.1),
    "reductions": lambda x: [x.mean(1), x.var(1), x.norm(dim=-1), x.softmax(1), (x > 0).to(x.dtype).mean(1)],
    "one row for all": lambda x: torch.cat([x.new_full((x.shape[0], 1, *x.shape[2:]), 0.5), x / 3], 1),
    "running": lambda x: [x.cumsum(1), torch.logcumsumexp(x, 1)],
}


def wide(module: nn.Module, array: np.ndarray) -> float:
    """How far a module and its translation lie apart, both in float64."""
    found = translated(module, array)
    order = found.assembled.orders[next(iter(found.assembled.inputs))]
    given = array.astype(np.float64)
    torch.set_default_dtype(torch.float64)  # of quotients of integers
    try:
        with torch.no_grad():
            expected = list(taken_apart(module.double()(torch.tensor(given)), torch.is_tensor).tensors.values())
    finally:
        torch.set_default_dtype(torch.float32)
    held = variables_of(found.model)

    def call(training: bool) -> object:
        return found.model(np.transpose(given, order), training=training)

    with widened(found.model):
        results, _ = called(call, held, values_of(held))
    listed = results if isinstance(results, list) else [results]
    worst = 0.0
    for name, want, have in zip(found.assembled.outputs, expected, listed, strict=True):
        wanted = np.transpose(want.numpy(), found.assembled.orders[name])
        worst = max(worst, float(np.abs(wanted - np.asarray(have)).max()))
    return worst


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64(name: str) -> None:
    torch.manual_seed(0)
    assert wide(One(FUNCTIONS[name]), drawn()) < 1e-13
    assert wide(Behind(FUNCTIONS[name]), drawn(MAP)) < 1e-13


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers(kind: type[nn.Module]) -> None:
    class Sequence(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = kind(3, 4, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layers(x)[0]

    assert wide(Sequence(), drawn()) < 1e-13
