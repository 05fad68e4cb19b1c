"""Random networks that prove something.

A network as it is made has trivial statistics (mean 0, variance 1), scales of one, biases of zero, layer scales of
1e-6: a copy could swap or lose them and nobody would see. So everything that is constant is disturbed. Batch
statistics are then those of a random batch, disturbed in turn: with others, the values of a deep network run off until
float32 itself is what the outputs show.
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


def disturbed(name: str, array: Array, random: np.random.Generator, gain: float = 1) -> Array:
    """Other values for a statistic, or for a tensor that is the same all over; others times the gain.

    Args:
        name: the last part of its name.
        array: its values.
        random: where the new ones come from.
        gain: for kernels.
    """
    if array.dtype.kind != "f" or array.size == 0:
        return array
    if name in STATISTICS:
        # Little, and rather up than down: variances that are too small add up over the layers.
        return np.asarray(array * random.uniform(0.9, 1.2, array.shape), array.dtype)
    value = float(array.flat[0])
    if array.size == 1 or (array != value).any():
        return array if gain == 1 else np.asarray(array * gain, array.dtype)
    if value == 0:
        return np.asarray(random.normal(0, 0.1, array.shape), array.dtype)
    scale = value if abs(value) > 0.01 else 0.3  # layer scales begin next to zero, and hide their branch
    return np.asarray(scale * random.uniform(0.7, 1.3, array.shape), array.dtype)


def perturb_torch(module: torch.nn.Module, inputs: Sequence[Array], seed: int, gain: float = 1) -> None:
    """Give a module statistics, scales and shifts that prove something."""
    import torch

    def disturb(statistics: bool) -> None:
        for name, tensor in module.state_dict().items():
            last = name.rpartition(".")[2]
            if (last in STATISTICS) == statistics and tensor.is_floating_point():
                tensor.copy_(torch.from_numpy(disturbed(last, tensor.numpy().copy(), random, gain)))

    module.eval()
    norms = [layer for layer in module.modules() if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)]
    random = np.random.default_rng(seed)
    with torch.no_grad():
        disturb(statistics=False)
        with _last_batch(norms, 1.0):
            for layer in norms:
                layer.train()
            if norms:
                module(*map(torch.from_numpy, inputs))
        module.eval()
        disturb(statistics=True)


def perturb_keras(model: Any, given: Any, seed: int, gain: float = 1) -> None:
    """The same for a Keras model.

    Args:
        model: built.
        given: inputs as it takes them.
        seed, gain: of the new values, and on kernels.
    """
    import keras

    def disturb(statistics: bool) -> None:
        for variable in model.variables:
            if (variable.name in STATISTICS) == statistics and id(variable) not in preprocessing:
                variable.assign(disturbed(variable.name, keras.ops.convert_to_numpy(variable), random, gain))

    layers = list(model._flatten_layers())
    norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    preparing = [layer for layer in layers if isinstance(layer, keras.layers.Normalization)]
    preprocessing = {id(variable) for layer in preparing for variable in layer.variables}
    random = np.random.default_rng(seed)
    disturb(statistics=False)
    with _last_batch(norms, 0.0):
        if norms:
            model(given, training=True)
    disturb(statistics=True)


def as_taken(arrays: Sequence[Array]) -> Any:
    """Inputs in order as a Keras model takes them: one by itself."""
    return arrays[0] if len(arrays) == 1 else list(arrays)


def channels_last(array: Array) -> Array:
    """An image as Keras takes it; anything else as it is."""
    return np.moveaxis(array, 1, -1) if array.ndim == 4 else array


@contextmanager
def _last_batch(norms: Sequence[Any], momentum: float) -> Iterator[None]:
    """Statistics are those of the last batch: with this momentum nothing of the earlier ones is kept."""
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = momentum
    try:
        yield
    finally:
        for layer, before in zip(norms, momenta, strict=True):
            layer.momentum = before
