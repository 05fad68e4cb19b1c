"""One small network in both frameworks, trained by lines that were written for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from homolog.rules.training import Compiled
from homolog.tensors import Array

RANDOM = np.random.default_rng(7)
X = RANDOM.standard_normal((16, 3))
Y = RANDOM.standard_normal((16, 2))
FIRST = [RANDOM.standard_normal(shape) * 0.7 for shape in ((3, 4), (4,), (4, 2), (2,))]


@contextmanager
def float64() -> Iterator[None]:
    """Keras in float64, so that what is left over is a difference and no rounding."""
    import keras

    config = keras.config
    before, policy = config.floatx(), config.dtype_policy()
    config.set_floatx("float64")
    config.set_dtype_policy("float64")
    try:
        yield
    finally:
        config.set_floatx(before)
        config.set_dtype_policy(policy)


def run(written: Compiled, model: Any) -> dict[str, Any]:
    """The names that the written lines leave, run as the body of a function."""
    names: dict[str, Any] = {}
    exec("\n".join(written.imports), names)
    body = "\n".join(f"    {line}" for line in written.lines)
    exec(f"def made(model):\n{body}\n    return locals()", names)
    return dict(names["made"](model))


def torch_net(scale: float = 1.0) -> Any:
    """A perceptron whose outputs are multiplied by ``scale``, and the gradients with it."""
    import torch

    class Scaled(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x * scale

    first, second = torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)
    net = torch.nn.Sequential(first, torch.nn.Tanh(), second, Scaled()).double()
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), FIRST, strict=True):
            parameter.copy_(torch.from_numpy(value.T.copy()))
    return net


def keras_net(scale: float = 1.0, l2: float = 0.0) -> Any:
    import keras

    penalty = {name: keras.regularizers.L2(l2) for name in ("kernel_regularizer", "bias_regularizer")} if l2 else {}
    layers = [keras.layers.Dense(4, "tanh", **penalty), keras.layers.Dense(2, **penalty), keras.layers.Rescaling(scale)]
    net = keras.Sequential([keras.Input((3,)), *layers])
    net.set_weights(FIRST)
    return net


def steps_in_torch(names: dict[str, Any], net: Any, steps: int, targets: Array, loss: Any = None) -> list[list[Array]]:
    """The weights after every step, in Keras's layout."""
    import torch

    optimizer, scheduler = names["optimizer"], names.get("scheduler")
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        (loss or names["loss"])(net(torch.from_numpy(X)), torch.from_numpy(targets)).backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        found.append([parameter.detach().numpy().T.copy() for parameter in net.parameters()])
    return found


def steps_in_keras(net: Any, steps: int, targets: Array) -> list[list[Array]]:
    """The weights after every step of a compiled model."""
    net.run_eagerly = True
    found = []
    for _ in range(steps):
        net.train_on_batch(X, targets)
        found.append([np.array(weight) for weight in net.get_weights()])
    return found


def apart(one: Sequence[Sequence[Array]], other: Sequence[Sequence[Array]]) -> float:
    """How far two trainings part, as a share of how far they went: the most of any weight after any step."""
    return max(
        float(np.abs(a - b).max() / np.abs(a - first).max())
        for left, right in zip(one, other, strict=True)
        for a, b, first in zip(left, right, FIRST, strict=True)
    )
