"""Keras on its other backends: the same proofs, in a process of their own for each backend.

A backend is chosen once, when Keras is imported; every child process below runs all its cases and prints what came
out, so that the frameworks are imported once for each backend.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BACKENDS = ("jax", "torch")
NAMES = ("resnet", "two_in_two_out", "text")
ARRAY = "__array__ implementation doesn't accept a copy keyword"
"""Of Keras 3.15 with NumPy 2, as in pyproject.toml."""


WAYS = ("to keras", "to torch", "keras to keras", "verify")
SAME = (*(f"{name} {way}" for name in NAMES for way in WAYS), "own class", "masked")
OTHERS = ("wrong eps", "wrong weight", "wrong eps of a Keras model", "mask ignored")


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_correct_copies_are_proven_and_defects_found(backend: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", f"ignore:{ARRAY}:DeprecationWarning", __file__],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join((str(ROOT / "tests"), *sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])

    assert found.pop("backend") == backend
    assert set(found) == {*SAME, *OTHERS}
    assert {name: found[name]["words"] for name in SAME if not found[name]["passed"]} == {}
    assert {name: found[name]["words"] for name in OTHERS if found[name]["passed"]} == {}
    assert all(found[f"{name} verify"]["layers"] for name in NAMES)  # pairs that were compared


def main() -> None:
    """The child: every case, printed as one line of JSON."""
    import torch
    from torch import nn

    import homolog
    import keras
    from twins import PAIRS

    found: dict[str, Any] = {"backend": keras.backend.backend()}

    def note(name: str, proof: Any) -> None:
        pairs = next((part.figures.get("pairs", 0) for part in proof.parts if part.name == "layers"), None)
        found[name] = {"passed": proof.passed, "words": str(proof), "layers": pairs}

    for name in NAMES:
        source, target = PAIRS[name].torch(), PAIRS[name].keras()
        note(f"{name} to keras", homolog.copy(source, target).proof)
        note(f"{name} to torch", homolog.copy(target, PAIRS[name].torch()).proof)
        again = PAIRS[name].keras()
        note(f"{name} keras to keras", homolog.copy(target, again).proof)
        note(f"{name} verify", homolog.verify(source, target, layers=True))

    source, target = PAIRS["resnet"].torch(), PAIRS["resnet"].keras()
    homolog.copy(source, target)
    norm = next(layer for layer in target.layers if isinstance(layer, keras.layers.BatchNormalization))
    eps, norm.epsilon = norm.epsilon, norm.epsilon * 10
    note("wrong eps", homolog.verify(source, target))
    other = PAIRS["resnet"].keras()
    other.set_weights(target.get_weights())
    note("wrong eps of a Keras model", homolog.verify(other, target))
    norm.epsilon = eps
    kernel = next(v for v in target.trainable_variables if len(v.shape) == 4)
    values = keras.ops.convert_to_numpy(kernel).copy()
    values[0, 0, 0] = values[0, 0, 0][::-1]
    kernel.assign(values)
    note("wrong weight", homolog.verify(source, target))

    class Block(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = keras.layers.Dense(6), keras.layers.Dense(5)

        def build(self, shape: Any) -> None:
            self.one.build(shape)
            self.two.build((*shape[:-1], 6))

        def call(self, x: Any) -> Any:
            return self.two(keras.ops.tanh(self.one(x)))

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.block, self.head = Block(), keras.layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.head(keras.ops.relu(self.block(x)))

    own = Own()
    own(np.zeros((2, 4), np.float32))
    chain = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    note("own class", homolog.copy(chain, own).proof)

    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.out, self.ignored = nn.Embedding(23, 6), nn.Linear(6, 5), False

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            mask = torch.ones_like(attention_mask) if self.ignored else attention_mask
            weights = mask.to(torch.float32)[:, :, None]
            pooled: torch.Tensor = (self.words(input_ids) * weights).sum(1) / weights.sum(1)
            return self.out(pooled)  # type: ignore[no-any-return]

    taken = {name: keras.Input((None,), dtype="int32", name=name) for name in ("token_ids", "padding_mask")}
    weights = keras.ops.expand_dims(keras.ops.cast(taken["padding_mask"], "float32"), -1)
    states = keras.layers.Embedding(23, 6)(taken["token_ids"]) * weights
    pooled = keras.ops.sum(states, axis=1) / keras.ops.sum(weights, axis=1)
    masked, twin = Masked().eval(), keras.Model(taken, keras.layers.Dense(5)(pooled))
    note("masked", homolog.copy(masked, twin).proof)
    masked.ignored = True
    try:
        note("mask ignored", homolog.verify(masked, twin))
    except homolog.HomologError as error:  # the module without its mask has another graph
        found["mask ignored"] = {"passed": False, "words": str(error), "layers": None}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
