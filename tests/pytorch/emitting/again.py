"""Writes a small module anew and compares what both give: for the tests of the writers for PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from homolog.emitting.assembled import Assembled
from homolog.pytorch.emitting.assemble import assemble
from homolog.pytorch.emitting.registry import WRITERS
from homolog.pytorch.emitting.source import Names, source
from homolog.pytorch.emitting.weights import constants_of, plan
from homolog.pytorch.program import trace
from homolog.pytorch.read import state
from homolog.pytorch.run import LiveTorch
from homolog.pytorch.written import build
from homolog.transfer import transfer

ROUNDING = 1e-12
"""Of float64, relative to the largest number."""
SINGLE = 2e-6
"""Of float32, where a module computes in that type by name."""

Function = Callable[..., Any]

PLAIN = (2, 5, 3)
"""Shape of what a function is given, the batch first; no two lengths are one."""
MAP = (2, 7, 9, 3)
"""Shape of what a convolution is given that has its channels last, which makes of it a map of ``(2, 6, 8, 4)``."""


@dataclass(frozen=True)
class Again:
    """A module that was written anew.

    Attributes:
        source: text of ``model.py``.
        assembled: what it was made of.
        model: the live module, filled.
        inputs: names of what it takes, in the trace's order.
    """

    source: str
    assembled: Assembled
    model: torch.nn.Module
    inputs: tuple[str, ...]


def again(module: torch.nn.Module, *inputs: np.ndarray, keep_layout: bool = False) -> Again:
    """The module, written anew and filled."""
    found = trace(module.eval(), list(inputs), written=WRITERS)
    made = assemble(found, keep_layout=keep_layout)
    text = source(made, Names(found.name, "a test"))
    live = LiveTorch(build(text))
    rows = plan(found, made, live.tensors(), "a", "b")
    live.fill([*transfer(rows, state(module)), *constants_of(made).items()])
    return Again(text, made, live.model, tuple(step.name for step in found.inputs))


def apart(module: torch.nn.Module, *inputs: np.ndarray, rows: int = 3, keep_layout: bool = False) -> float:
    """How far the outputs of a module and of what was written of it lie apart, in float64 and at another batch than the
    traced one: the largest difference of any output, relative to its largest number (or to 1, if that is larger).

    Args:
        module: any.
        inputs: of the trace, batch first; random ones of their kind are run.
        rows: of the batch that is run.
        keep_layout: as for ``assemble``.
    """
    found = again(module, *inputs, keep_layout=keep_layout)
    random = np.random.default_rng(1)
    given = [_like(array, rows, random) for array in inputs]
    orders: Any = found.assembled.orders
    turned = [np.transpose(array, orders[name]) for name, array in zip(found.inputs, given, strict=True)]
    one, two = LiveTorch(module), LiveTorch(found.model)
    single = one.run(given).outputs, two.run(turned).outputs
    exact = one.exact(given), two.exact(turned)
    wide = None if exact[0] is None or exact[1] is None else (exact[0].outputs, exact[1].outputs)
    assert len(single[0]) == len(single[1])
    worst = 0.0
    for name, want, have in zip(found.assembled.outputs, *single, strict=True):
        assert (np.transpose(want, orders[name]).shape, want.dtype) == (have.shape, have.dtype), found.source
    for name, want, have in zip(found.assembled.outputs, *(wide or single), strict=True):
        worst = max(worst, _distance(np.transpose(want, orders[name]), have))
    return worst if wide is not None else worst * ROUNDING / SINGLE


def _distance(want: np.ndarray, have: np.ndarray) -> float:
    """Between two outputs; where both have the same infinity or no number at all, none."""
    if not want.size:
        return 0.0
    one, two = want.astype(np.float64), have.astype(np.float64)
    equal = (one == two) | (np.isnan(one) & np.isnan(two))
    if not np.isfinite(one[~equal]).all() or not np.isfinite(two[~equal]).all():
        return float("inf")
    finite = one[np.isfinite(one)]
    largest = max(np.abs(finite).max(initial=0.0), 1.0)
    return float(np.abs(one[~equal] - two[~equal]).max(initial=0.0) / largest)


def _like(array: np.ndarray, rows: int, random: np.random.Generator) -> np.ndarray:
    shape = (rows, *array.shape[1:])
    if array.dtype.kind == "f":
        return random.standard_normal(shape).astype(array.dtype)
    if array.dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    return random.integers(int(array.min()), int(array.max()) + 1, shape).astype(array.dtype)


class One(torch.nn.Module):
    """A function of one input."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


class Two(One):
    """A function of two inputs."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:  # type: ignore[override]
        return self.function(x, y)


class Three(One):
    """A function of three inputs."""

    def forward(self, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> Any:  # type: ignore[override]
        return self.function(x, y, z)


class Four(One):
    """A function of four inputs."""

    def forward(self, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor, mask: torch.Tensor) -> Any:  # type: ignore[override]
        return self.function(x, y, z, mask)


OF = (One, Two, Three, Four)


class Behind(One):
    """A function of a map that a convolution gives, as a Keras model has it: with its channels last."""

    def __init__(self, function: Function, values: int = 1) -> None:
        super().__init__(function)
        self.convs = torch.nn.ModuleList(torch.nn.Conv2d(MAP[-1], 4, 2) for _ in range(values))

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(*(conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1) for conv in self.convs))


def drawn(shape: tuple[int, ...] = PLAIN, dtype: str = "float32", low: int = -7, high: int = 7) -> np.ndarray:
    """Random values: normal ones, integers between two bounds, truth values."""
    random = np.random.default_rng(0)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype.startswith("float"):
        return random.standard_normal(shape).astype(dtype)
    made = random.integers(low, high + 1, shape).astype(dtype)
    made.flat[0], made.flat[1] = low, high  # what is run is drawn between the smallest and the largest
    return made


def same(function: Function, *given: np.ndarray) -> None:
    """Check a function of as many values as are given."""
    torch.manual_seed(0)
    assert apart(OF[len(given) - 1](function), *given) <= ROUNDING


def plain(function: Function, *dtypes: str, low: int = -7, high: int = 7, shape: tuple[int, ...] = PLAIN) -> None:
    """Check a function of one value, or of two, of these element types."""
    same(function, *(drawn(shape, kind, low, high) for kind in dtypes or ("float32",)))


def behind(function: Function, values: int = 1) -> None:
    """Check a function of one map, or of two, that have their channels last for it, and lie with them second."""
    torch.manual_seed(0)
    assert apart(Behind(function, values), drawn(MAP)) <= ROUNDING


def scripted(found: Again, *inputs: np.ndarray) -> float:
    """How far what TorchScript makes of a written module lies from it."""
    given = [torch.from_numpy(array) for array in inputs]
    with torch.no_grad():
        one, two = found.model(*given), torch.jit.script(found.model)(*given)
    return max(_distance(a.numpy(), b.numpy()) for a, b in zip(listed(one), listed(two), strict=True))


def listed(result: Any) -> list[torch.Tensor]:
    """The tensors of a result, in order."""
    if isinstance(result, torch.Tensor):
        return [result]
    items = result.values() if isinstance(result, dict) else result
    return [tensor for item in items for tensor in listed(item)]
