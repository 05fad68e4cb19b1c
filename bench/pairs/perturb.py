"""Random networks that prove something.

A network as it is made has trivial statistics (mean 0, variance 1), scales of one, biases of zero, layer scales of
1e-6: a copy could swap or lose them and nobody would see. So batch statistics are first those of a random batch, which
keeps the values of deep networks within bounds, and then everything that is constant, or a statistic, is disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, Any]
STATISTICS = ("running_mean", "running_var", "moving_mean", "moving_variance")


def disturbed(name: str, array: Array, random: np.random.Generator) -> Array:
    """Other values for a tensor that says little; others as they are.

    Args:
        name: the last part of its name.
        array: its values.
        random: where the new ones come from.
    """
    if array.dtype.kind != "f" or array.size == 0:
        return array
    factor: Array = random.uniform(0.7, 1.3, array.shape)
    if name in STATISTICS:
        return np.asarray(array * factor, array.dtype)
    value = float(array.flat[0])
    if array.size == 1 or (array != value).any():
        return array
    if value == 0:
        return random.normal(0, 0.1, array.shape).astype(array.dtype)
    scale = value if abs(value) > 0.01 else 0.3  # layer scales begin next to zero, and hide their branch
    return np.asarray(scale * factor, array.dtype)


def perturb_torch(module: torch.nn.Module, inputs: Sequence[Array], seed: int) -> None:
    """Give a module statistics, scales and shifts that prove something."""
    import torch

    module.eval()
    norms = [layer for layer in module.modules() if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)]
    with torch.no_grad():
        if norms:
            momenta = [layer.momentum for layer in norms]
            for layer in norms:
                layer.momentum = 1.0
                layer.train()
            module(*map(torch.from_numpy, inputs))
            for layer, momentum in zip(norms, momenta, strict=True):
                layer.momentum = momentum
            module.eval()
        random = np.random.default_rng(seed)
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.from_numpy(disturbed(name.rpartition(".")[2], tensor.numpy().copy(), random)))


def perturb_keras(model: Any, inputs: Sequence[Array], seed: int) -> None:
    """The same for a Keras model."""
    import keras

    norms = [layer for layer in _layers(model) if isinstance(layer, keras.layers.BatchNormalization)]
    if norms:
        with _whole_batch(norms):
            model(*map(channels_last, inputs), training=True)
    random = np.random.default_rng(seed)
    preprocessing = {
        id(v) for layer in _layers(model) if isinstance(layer, keras.layers.Normalization) for v in layer.variables
    }
    for variable in model.variables:
        if id(variable) not in preprocessing:
            variable.assign(disturbed(variable.name, keras.ops.convert_to_numpy(variable), random))


def channels_last(array: Array) -> Array:
    """An image as Keras takes it; anything else as it is."""
    return np.moveaxis(array, 1, -1) if array.ndim == 4 else array


@contextmanager
def _whole_batch(norms: Sequence[Any]) -> Iterator[None]:
    """Statistics are those of one batch, nothing of the earlier ones is kept."""
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum


def _layers(model: Any) -> list[Any]:
    return list(model._flatten_layers())
