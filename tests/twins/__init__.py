"""The same networks twice, by hand: once in PyTorch, once in Keras, for the tests that copy and compare.

Every axis of every weight has a length of its own where the network allows it, so that a transpose shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

SEED = 3


@dataclass(frozen=True)
class Pair:
    """A network in both frameworks.

    Attributes:
        name: of the factories in ``torch_nets`` and ``keras_nets``.
        traced: whether the PyTorch one is of a class of its own, whose graph is seen by running it once.
    """

    name: str
    traced: bool = True

    def torch(self, **settings: Any) -> Any:
        """The PyTorch network, with weights and statistics that are nowhere trivial."""
        import torch

        from twins import torch_nets

        torch.manual_seed(SEED)
        return scrambled_torch(getattr(torch_nets, self.name)(**settings))

    def keras(self, **settings: Any) -> Any:
        """The Keras network, with other weights and statistics, nowhere trivial either."""
        from homolog.keras.framework import require

        keras = require()
        from twins import keras_nets

        keras.utils.clear_session(free_memory=False)
        return scrambled_keras(getattr(keras_nets, self.name)(**settings))


PAIRS = {
    pair.name: pair
    for pair in (
        Pair("lenet", traced=False),
        Pair("digits", traced=False),
        Pair("vgg"),
        Pair("resnet"),
        Pair("two_in_two_out"),
        Pair("nested"),
        Pair("shared"),
        Pair("text"),
        Pair("separable", traced=False),
        Pair("sequence"),
        Pair("volume", traced=False),
        Pair("decoder", traced=False),
        Pair("norms"),
        Pair("mixer"),
    )
}


def scrambled_torch(module: Any, seed: int = SEED) -> Any:
    """A module in eval mode whose biases, scales and statistics are drawn anew: fresh ones are all 0 and 1."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict(keep_vars=True).items():
            if tensor.is_floating_point() and tensor.dim() <= 1:
                noise = torch.rand(tensor.shape, generator=generator, dtype=torch.float32).to(tensor.dtype)
                tensor.copy_(noise + 0.5 if not name.endswith(("bias", "running_mean")) else noise - 0.5)
    return module.eval()


def scrambled_keras(model: Any, seed: int = SEED + 1) -> Any:
    """The same for Keras."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        if len(variable.shape) <= 1 and "seed" not in variable.path:
            low = -0.5 if variable.name in ("bias", "beta", "moving_mean") else 0.5
            variable.assign((random.random(tuple(variable.shape)) + low).astype("float32"))
    return model


__all__ = ["PAIRS", "Pair", "scrambled_keras", "scrambled_torch"]
