"""What is not trained in Keras is not trained in PyTorch."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch

import homolog
import keras
from keras import layers


def model() -> keras.Model:
    entry = keras.Input((8, 7, 3))
    value = layers.Conv2D(5, 3, name="first")(entry)
    value = layers.BatchNormalization(name="norm")(value)
    value = layers.Conv2D(4, 3, name="second")(value)
    made = keras.Model(entry, layers.Dense(2, name="last")(layers.Flatten()(value)))
    made.get_layer("first").trainable = False
    made.get_layer("norm").trainable = False
    return made


def test_frozen_layers_take_no_gradients_and_the_others_do() -> None:
    translated = homolog.translate(model(), to="torch")
    assert translated.proof.passed
    module = cast(torch.nn.Module, translated.model)
    trained = {name for name, item in module.named_parameters() if item.requires_grad}
    assert trained == {"second.weight", "second.bias", "last.weight", "last.bias"}
    count = sum(item.numel() for item in module.parameters() if item.requires_grad)
    assert count == sum(int(np.prod(item.shape)) for item in model().trainable_variables)


def test_a_frozen_batch_norm_is_noted() -> None:
    notes: Any = homolog.translate(model(), to="torch").notes
    assert any("norm: a frozen batch norm" in note for note in notes)


def test_a_network_of_which_everything_is_trained_says_nothing() -> None:
    entry = keras.Input((5,))
    translated = homolog.translate(keras.Model(entry, layers.Dense(3)(entry)), to="torch")
    assert "requires_grad" not in translated.source
    assert translated.notes == ()


def test_what_pytorch_has_besides_is_not_trained() -> None:
    entry = keras.Input((8, 7, 3))
    value = layers.BatchNormalization(scale=False, name="shifted")(layers.Conv2D(5, 3, name="conv")(entry))
    value = layers.GroupNormalization(5, center=False, name="scaled")(value)
    value = layers.LayerNormalization(scale=False, name="rows")(value)
    value = layers.LSTM(4, name="steps")(layers.Reshape((30, 5))(value))
    source = keras.Model(entry, value)
    translated = homolog.translate(source, to="torch", gradients=True)
    assert translated.proof.passed, str(translated.proof)
    module = cast(torch.nn.Module, translated.model)
    still = {name for name, item in module.named_parameters() if not item.requires_grad}
    assert still == {"shifted.weight", "rows.weight", "steps.bias_hh_l0"}
    count = sum(item.numel() for item in module.parameters() if item.requires_grad)
    assert count == sum(int(np.prod(item.shape)) for item in source.trainable_variables)
