"""How weights come about: what the initialisers of Keras draw, and the calls of PyTorch that draw the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import isclose, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homolog.keras.framework import require

CUT = 0.87962566103423978
"""Standard deviation of a standard normal distribution cut off at two of its own."""
MOST_RUNS = 6
"""Of equal numbers that one by one are written down."""


@dataclass(frozen=True)
class Draw:
    """Where the numbers of a tensor come from.

    Attributes:
        kind: ``uniform`` (low, high), ``normal`` (mean, deviation), ``truncated`` (mean, deviation, low, high),
            ``orthogonal`` (gain), ``values``.
        numbers: what it is drawn with.
        values: of a tensor that is the same each time, as Keras has it.
    """

    kind: str
    numbers: tuple[float, ...] = ()
    values: NDArray[np.float32] | None = None

    def like(self, other: Draw) -> bool:
        """Whether both are drawn from the same, to the rounding of their numbers."""
        if self.kind != other.kind:
            return False
        if self.values is not None and other.values is not None:
            return np.array_equal(self.values, other.values)
        return all(isclose(one, two, rel_tol=1e-6) for one, two in zip(self.numbers, other.numbers, strict=True))


@contextmanager
def watched(initializers: dict[int, tuple[Any, Any]]) -> Iterator[None]:
    """While the body runs, note of each variable that a layer makes what it is drawn by.

    Args:
        initializers: is given, by the identity of the variable, the variable and its initialiser.
    """
    keras = require()
    layer = keras.layers.Layer
    plain = layer.add_weight

    def add_weight(self: Any, *args: Any, **kwargs: Any) -> Any:
        variable = plain(self, *args, **kwargs)
        initializer = kwargs.get("initializer")
        if initializer is None:
            initializer = "glorot_uniform" if "float" in str(variable.dtype) else "zeros"
        initializers[id(variable)] = variable, keras.initializers.get(initializer)
        return variable

    layer.add_weight = add_weight
    try:
        yield
    finally:
        layer.add_weight = plain


def draw_of(initializer: Any, shape: tuple[int, ...]) -> Draw | None:
    """What an initialiser of Keras draws for a variable, None if that is not known.

    One that gives the same each time is asked for its values.
    """
    kinds = require().initializers
    if isinstance(initializer, kinds.RandomUniform):
        return Draw("uniform", (initializer.minval, initializer.maxval))
    if isinstance(initializer, kinds.RandomNormal):
        return Draw("normal", (initializer.mean, initializer.stddev))
    if isinstance(initializer, kinds.TruncatedNormal):
        return _truncated(initializer.mean, initializer.stddev)
    if isinstance(initializer, kinds.Orthogonal):
        return Draw("orthogonal", (initializer.gain,))
    if isinstance(initializer, kinds.VarianceScaling):
        return _scaled(initializer, shape)
    if isinstance(initializer, kinds.Initializer) and hasattr(initializer, "seed"):
        return None
    first, second = (np.asarray(initializer(shape, dtype="float32")) for _ in range(2))
    return Draw("values", values=first) if np.array_equal(first, second) else None


def _truncated(mean: float, deviation: float) -> Draw:
    return Draw("truncated", (mean, deviation, mean - 2 * deviation, mean + 2 * deviation))


def _scaled(initializer: Any, shape: tuple[int, ...]) -> Draw:
    inputs, outputs = _fans(shape, initializer)
    fan = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[initializer.mode]
    variance = initializer.scale / max(1.0, fan)
    if initializer.distribution == "uniform":
        return Draw("uniform", (-sqrt(3 * variance), sqrt(3 * variance)))
    if initializer.distribution == "truncated_normal":
        return _truncated(0.0, sqrt(variance) / CUT)
    return Draw("normal", (0.0, sqrt(variance)))


def _fans(shape: tuple[int, ...], initializer: Any) -> tuple[float, float]:
    """How many numbers a variable takes and gives, as Keras counts them."""
    given = initializer.input_axes, initializer.output_axes
    if None not in given:
        taken, made = (prod(shape[axis] for axis in axes) for axes in given)
        return float(taken), float(made)
    if len(shape) < 2:
        return (float(prod(shape)),) * 2
    return float(prod(shape[:-1])), float(prod(shape[:-2]) * shape[-1])


def xavier(shape: Sequence[int]) -> Draw:
    """What ``nn.init.xavier_uniform_`` draws."""
    limit = sqrt(6 / (prod(shape[1:]) + shape[0] * prod(shape[2:])))
    return Draw("uniform", (-limit, limit))


def kaiming(shape: Sequence[int]) -> Draw:
    """What ``nn.init.kaiming_uniform_`` draws."""
    limit = sqrt(6 / prod(shape[1:]))
    return Draw("uniform", (-limit, limit))


def constant(value: float, shape: Sequence[int]) -> Draw:
    """The same number everywhere."""
    return Draw("values", values=np.full(tuple(shape), value, "float32"))


NAMED: Mapping[str, Callable[[Sequence[int]], Draw]] = {"xavier_uniform_": xavier, "kaiming_uniform_": kaiming}


def calls(draw: Draw, tensor: str, shape: tuple[int, ...], as_in_keras: bool) -> list[str] | None:
    """Lines of PyTorch that draw a tensor, None where nothing draws so.

    Args:
        draw: in the tensor's own layout, if it is of values.
        tensor: an expression.
        shape: of the tensor.
        as_in_keras: whether its axes are in Keras's order.
    """
    if draw.values is not None:
        return _written(draw.values, tensor)
    if len(shape) > 1:
        for name, made in NAMED.items():
            if draw.like(made(shape)):
                return [f"nn.init.{name}({tensor})"]
    if draw.kind == "orthogonal" and len(shape) > 2 and as_in_keras:
        tensor = f"{tensor}.flatten(0, -2)"
    function = {"uniform": "uniform_", "normal": "normal_", "truncated": "trunc_normal_", "orthogonal": "orthogonal_"}
    numbers = ", ".join(f"{number:.8g}" for number in draw.numbers)
    if draw.kind == "orthogonal" and draw.numbers == (1.0,):
        return [f"nn.init.orthogonal_({tensor})"]
    return [f"nn.init.{function[draw.kind]}({tensor}, {numbers})"]


def _written(values: NDArray[np.float32], tensor: str) -> list[str] | None:
    """Lines that fill in numbers: one everywhere, runs of several, or a diagonal."""
    if len(set(values.ravel().tolist())) == 1:
        return [_filled(tensor, float(values.flat[0]))]
    if values.ndim == 2 and np.array_equal(values, np.eye(*values.shape) * values[0, 0]):
        times = "" if values[0, 0] == 1 else f".mul_({values[0, 0]:.8g})"
        return [f"nn.init.eye_({tensor}){'.detach()' if times else ''}{times}"]
    cuts = [0, *(np.flatnonzero(np.diff(values)) + 1), len(values)] if values.ndim == 1 else []
    if not cuts or len(cuts) > MOST_RUNS:
        return None
    runs = [(start, stop) for start, stop in pairwise(cuts) if values[start]]
    parts = [_filled(f"{tensor}.detach()[{start}:{stop}]", float(values[start])) for start, stop in runs]
    return [f"nn.init.zeros_({tensor})", *parts]


def _filled(tensor: str, value: float) -> str:
    if value in (0, 1):
        return f"nn.init.{'ones_' if value else 'zeros_'}({tensor})"
    return f"nn.init.constant_({tensor}, {value:.8g})"
