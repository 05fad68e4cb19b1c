"""Layers and models that a script defines itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from homolog.scripts.translation import translate

LAYER = """
import numpy as np
import keras
from keras import layers, ops


class Block(layers.Layer):
    \"\"\"Two dense layers with a way around them.\"\"\"

    def __init__(self, width, count=2, **kwargs):
        super().__init__(**kwargs)
        self.inner = [layers.Dense(width, activation="tanh") for _ in range(count)]

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        y = x
        for layer in self.inner:
            y = layer(y)
        return ops.add(x * self.scale, y)


class Net(keras.Model):
    def __init__(self, classes):
        super().__init__()
        self.block = Block(6)
        self.out = layers.Dense(classes)

    def call(self, inputs, training=None):
        return self.out(self.block(inputs))


random = np.random.RandomState(3)
x = random.rand(40, 6).astype("float32")
model = Net(3)
model.compile("sgd", "mse")
history = model.fit(x, x[:, :3], epochs=2, batch_size=8, shuffle=False)
"""


def test_a_layer_and_a_model_of_the_scripts_own_are_read() -> None:
    translation = translate(LAYER)
    assert translation.left == ()
    written: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(translation.source, "written.py", "exec"), written)
    assert len(list(written["model"].parameters())) == 7
    assert all(np.isfinite(written["history"]["loss"]))


def test_what_happens_in_training_alone_is_not_lost_in_silence() -> None:
    text = LAYER.replace("        y = x\n", "        y = x\n        if training:\n            y = 2 * y\n")
    translation = translate(text.replace("call(self, x)", "call(self, x, training=None)"))
    assert "makes a layer do something in training alone" in translation.left[0].why


def test_a_way_of_training_of_its_own_is_left() -> None:
    translation = translate(LAYER.replace("def call(self, inputs, training=None)", "def train_step(self, inputs)"))
    assert "train_step of its own" in translation.left[0].why
    assert "# class Net(keras.Model):" in translation.source


def test_a_method_has_the_parameters_that_python_gives_it() -> None:
    call = """
    def call(self, x, /, *, scale=3.0):
        return self._read(self.inner[0](x), scale)

    def _read(self, y, *factors, less=0.5):
        return y * factors[0] - less
"""
    start = LAYER.index("    def build(self")
    end = LAYER.index("class Net")
    translation = translate(LAYER[:start] + call + "\n\n" + LAYER[end:])
    assert translation.left == ()
    assert "* 3" in translation.source
    assert "- 0.5" in translation.source


def test_a_method_that_is_given_another_number_of_values_is_left() -> None:
    translation = translate(
        LAYER.replace("y = layer(y)", "y = self.twice(y, 2)\n\n    def twice(self, y):\n        return y")
    )
    assert translation.left
