"""Models as homolog's own translation writes them, brought into a script."""

from __future__ import annotations

import numpy as np
import pytest

from homolog.keras.framework import require
from homolog.scripts.model import classes_of, torch_source
from homolog.scripts.values import NotStatic

SOURCE = '''"""A text."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

WEIGHTS = Path(__file__).with_name("model.safetensors")
WIDTH = 3


def twice(x):
    return 2 * x


class Part(nn.Module):
    def forward(self, x):
        return twice(x)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part, self.dense = Part(), nn.Linear(WIDTH, 2)


def load_model() -> Net:
    return Net().load_state_dict(load_file(WEIGHTS))
'''


def test_a_module_is_taken_with_what_it_needs_and_nothing_else() -> None:
    text, name, imports = classes_of(SOURCE)
    assert name == "Net"
    assert imports == ("from torch import nn",)
    assert [word in text for word in ("WIDTH = 3", "def twice", "class Part", "WEIGHTS", "load_model")] == [
        *(True, True, True),
        *(False, False),
    ]


def test_the_order_of_images_and_the_origin_of_tensors_are_told() -> None:
    import torch

    keras = require()
    model = keras.Sequential(
        [keras.Input((9, 7, 2)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(5)]
    )
    source = torch_source(model)
    assert (source.inputs, source.outputs) == (((0, 3, 1, 2),), ((0, 1),))
    assert set(source.origins.values()) == {variable.path for variable in model.variables}
    names: dict[str, object] = {"torch": torch}
    exec("\n".join([*source.imports, source.classes_text, f"made = {source.class_name}()"]), names)
    made = names["made"]
    assert isinstance(made, torch.nn.Module)
    assert set(source.origins) == set(made.state_dict())
    assert made(torch.from_numpy(np.zeros((3, 2, 9, 7), "float32"))).shape == (3, 5)


def test_a_model_that_cannot_be_translated_says_why() -> None:
    keras = require()

    class Own(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: object) -> object:
            return np.linalg.det(np.asarray(x))

        def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
            return shape[:1]

    inputs = keras.Input((3, 3))
    with pytest.raises(NotStatic, match="the model"):
        torch_source(keras.Model(inputs, Own()(inputs), name="odd"))
