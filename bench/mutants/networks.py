"""Networks of the catalogue with weights in them: the correct pair, and a pair in which one has a defect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import keras
from bench.mutants.mutant import Architecture, Array, Mutant, Weights


@dataclass(frozen=True)
class Pair:
    """Two networks that should be the same."""

    torch: torch.nn.Module
    keras: Any

    def run(self, inputs: tuple[Array, ...]) -> tuple[Array, Array]:
        """What both give for inputs as PyTorch takes them."""
        torch.manual_seed(0)
        keras.utils.set_random_seed(0)
        with torch.no_grad():
            ours = self.torch(*map(torch.from_numpy, inputs)).numpy()
        turned = [np.moveaxis(array, 1, -1) if array.ndim == 4 else array for array in inputs]
        theirs = keras.ops.convert_to_numpy(self.keras(turned if len(turned) > 1 else turned[0], training=False))
        return ours, np.moveaxis(theirs, -1, 1) if theirs.ndim == 4 else theirs


def fresh(architecture: Architecture, seed: int, size: Mapping[str, int]) -> Pair:
    """Both networks, each with other weights, none of them trivial."""
    torch.manual_seed(seed)
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed + 1)
    pair = Pair(architecture.torch(**size).eval(), architecture.keras(**size))
    random = np.random.default_rng(seed)
    gain = architecture.gain
    ours, theirs = torch_weights(pair.torch), keras_weights(pair.keras)
    fill_torch(pair.torch, {name: disturbed(name, array, random, gain) for name, array in ours.items()})
    fill_keras(pair.keras, {name: disturbed(name, array, random, gain) for name, array in theirs.items()})
    return pair


def mutated(architecture: Architecture, mutant: Mutant, correct: Pair) -> Pair:
    """The correct pair with the defect in one of the two; the other is the correct one itself."""
    size = architecture.sizes[0]
    if mutant.side == "torch":
        module = architecture.torch(**size, **mutant.build).eval()
        weights = torch_weights(correct.torch)
        if mutant.change is not None:
            mutant.change(weights)
        fill_torch(module, weights)
        return Pair(module, correct.keras)
    model = architecture.keras(**size, **mutant.build)
    weights = keras_weights(correct.keras)
    if mutant.change is not None:
        mutant.change(weights)
    fill_keras(model, weights)
    return Pair(correct.torch, model)


def disturbed(name: str, array: Array, random: np.random.Generator, gain: float = 1) -> Array:
    """Other values for what is constant as it is made, and more than any tolerance from zero and from one.

    Statistics and scales lie where they do in trained networks; means are above zero, so that even one that stands
    where a variance should gives no NaN.
    """
    last = name.replace("/", ".").rpartition(".")[2]
    if last.endswith("_mean"):
        return np.asarray(random.uniform(0.05, 0.3, array.shape), np.float32)
    if last.endswith(("_var", "_variance")):
        return np.asarray(random.uniform(0.1, 0.9, array.shape), np.float32)
    if array.ndim == 1 and (array == 1).all():
        return np.asarray(random.uniform(0.5, 2.5, array.shape), np.float32)
    if "bias" in last or last == "beta":
        return np.asarray(random.uniform(-0.5, 0.5, array.shape), np.float32)
    return np.asarray(array * gain, np.float32)


def torch_weights(module: torch.nn.Module) -> Weights:
    """Every weight by its name in the state dict, counters left out."""
    return {
        name: tensor.detach().numpy().copy()
        for name, tensor in module.state_dict().items()
        if tensor.is_floating_point()
    }


def keras_weights(model: Any) -> Weights:
    """Every weight by its path, seeds left out."""
    return {
        variable.path: np.array(keras.ops.convert_to_numpy(variable))
        for variable in model.variables
        if "seed_generator" not in variable.path
    }


def fill_torch(module: torch.nn.Module, weights: Weights) -> None:
    """Set every weight."""
    module.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()}, strict=False)


def fill_keras(model: Any, weights: Weights) -> None:
    """Set every weight of the model; its own preprocessing has none of the other's, and keeps what it has."""
    for variable in model.variables:
        if variable.path in weights:
            variable.assign(weights[variable.path])
