"""Two recurrent networks: LSTMs that read words both ways, and GRUs over numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import keras
from bench.mutants.changes import regated, rolled, scaled, swapped, swapped_axes, through_half, zeroed
from bench.mutants.mutant import ENDS, Architecture, Array, Mutant, Weights
from keras import layers

WORDS = 23


class Lstm(nn.Module):
    def __init__(self, size: int = 7, width: int = 6, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.embedding = nn.Embedding(WORDS, 5)
        self.lstm = nn.LSTM(5, width, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * width, 4)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids)
        if self.other.get("dropout"):
            x = functional.dropout(x, 0.3, training=True)
        x, _ = self.lstm(x)
        x = x[:, -1] if self.other.get("last") else x.mean(1)
        return self.fc(x)


def keras_lstm(size: int = 7, width: int = 6, **other: Any) -> keras.Model:
    def both_ways(name: str) -> Any:
        settings = other.get("settings", {}) if other.get("at") == name else {}
        return layers.Bidirectional(layers.LSTM(width, return_sequences=True, name="cells", **settings), name=name)

    ids = keras.Input((size,), dtype="int32", name="ids")
    x = layers.Embedding(WORDS, 5, name="words", mask_zero=bool(other.get("mask")))(ids)
    x = both_ways("second")(both_ways("first")(x))
    x = (layers.GlobalMaxPooling1D if other.get("largest") else layers.GlobalAveragePooling1D)(name="mean")(x)
    return keras.Model(ids, layers.Dense(4, name="head")(x))


def _words(size: int, random: np.random.Generator) -> tuple[Array, ...]:
    ids = random.integers(0, WORDS, (2, size))
    ids[0, size // 2] = 0  # which masks and padding are about
    return (ids,)


FIRST, SECOND = "first/forward_cells/lstm_cell", "second/backward_cells/lstm_cell"
IN_FIRST = ("lstm", "first", "first/forward_cells", "first/backward_cells")
IN_SECOND = ("lstm", "second", "second/forward_cells", "second/backward_cells")
LSTM_MUTANTS = (
    Mutant(
        "lstm-gate-order",
        "gates in the order i f o c for i f c o",
        "keras",
        ("gate order",),
        IN_FIRST,
        change=regated((0, 1, 3, 2), f"{FIRST}/kernel", f"{FIRST}/recurrent_kernel", f"{FIRST}/bias"),
    ),
    Mutant(
        "lstm-gate-order-torch",
        "gates in the order i g f o for i f g o",
        "torch",
        ("gate order",),
        IN_SECOND,
        change=regated(
            (0, 2, 1, 3), *(f"lstm.{slot}_l1" for slot in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")), axis=0
        ),
    ),
    Mutant(
        "lstm-directions",
        "the two directions of a layer swapped",
        "keras",
        ("swapped weights",),
        IN_SECOND,
        change=swapped(
            *(
                (f"second/forward_cells/lstm_cell/{slot}", f"second/backward_cells/lstm_cell/{slot}")
                for slot in ("kernel", "recurrent_kernel", "bias")
            )
        ),
    ),
    Mutant(
        "lstm-embedding-row",
        "the row of the padding zero in one network",
        "torch",
        ("other weights", "missing weights"),
        ("embedding", "words"),
        change=lambda weights: weights["embedding.weight"].__setitem__(0, 0),
    ),
    Mutant(
        "lstm-embedding-shift",
        "the embedding's rows one further",
        "keras",
        ("other weights",),
        ("embedding", "words"),
        change=rolled("words/embeddings", 1),
    ),
    Mutant(
        "lstm-one-bias",
        "one of PyTorch's two biases forgotten",
        "torch",
        ("missing weights", "other weights"),
        IN_FIRST,
        change=zeroed("lstm.bias_hh_l0"),
    ),
    Mutant(
        "lstm-hard-sigmoid",
        "gates by a hard sigmoid, as Keras 1 had them",
        "keras",
        ("activation",),
        IN_FIRST,
        {"at": "first", "settings": {"recurrent_activation": "hard_sigmoid"}},
    ),
    Mutant(
        "lstm-relu",
        "ReLU for tanh in a layer",
        "keras",
        ("activation",),
        IN_SECOND,
        {"at": "second", "settings": {"activation": "relu"}},
    ),
    Mutant(
        "lstm-last-step",
        "the last step for the mean of all",
        "torch",
        ("wiring", "pooling"),
        ("select", "mean", "lstm", "second", "fc", "head"),
        {"last": True},
    ),
    Mutant(
        "lstm-max-pool",
        "the largest of all steps for their mean",
        "keras",
        ("pooling",),
        ("mean", "lstm", "second", "fc", "head"),
        {"largest": True},
    ),
    Mutant(
        "lstm-dropout",
        "dropout left on",
        "torch",
        ("dropout",),
        ("dropout", "embedding", "words", *IN_FIRST),
        {"dropout": True},
    ),
    Mutant(
        "lstm-mask",
        "words of id 0 are masked in one network",
        "keras",
        ("setting", "wiring"),
        ("embedding", "words", *IN_FIRST),
        {"mask": True},
    ),
)
LSTM = Architecture("LSTM", Lstm, keras_lstm, _words, ({"size": 7}, {"size": 11, "width": 5}), LSTM_MUTANTS)


class Gru(nn.Module):
    def __init__(self, size: int = 8, width: int = 6, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.proj = nn.Linear(5, width)
        self.gru1 = nn.GRU(width, width, batch_first=True)
        self.gru2 = nn.GRU(width, width, batch_first=True)
        self.fc = nn.Linear(width, width)
        self.out = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.proj(x))
        x, _ = self.gru1(x)
        x, _ = self.gru2(x)
        x = x[:, 0] if self.other.get("first") else x[:, -1]
        return functional.log_softmax(self.out(functional.relu(self.fc(x))), dim=-1)


def keras_gru(size: int = 8, width: int = 6, **other: Any) -> keras.Model:
    settings = other.get("settings", {})
    inputs = keras.Input((size, 5), name="steps")
    x = layers.Dense(width, activation="tanh", name="entry")(inputs)
    x = layers.GRU(width, return_sequences=True, name="below", **settings)(x)
    x = layers.GRU(width, name="above", reset_after=not other.get("reset_before"))(x)
    x = layers.Dense(width, activation="relu", name="dense")(x)
    x = layers.Dense(3, name="last")(x)
    if other.get("softmax"):
        return keras.Model(inputs, layers.Softmax(name="probabilities")(x))
    return keras.Model(inputs, layers.Activation("log_softmax", name="logarithms")(x))


def _steps(size: int, random: np.random.Generator) -> tuple[Array, ...]:
    return (random.standard_normal((2, size, 5)).astype(np.float32),)


def _one_bias(weights: Weights) -> None:
    weights["above/gru_cell/bias"] = weights["above/gru_cell/bias"].sum(0)


BELOW, ABOVE = ("gru1", "below"), ("gru2", "above")
GRU_MUTANTS = (
    Mutant(
        "gru-gate-order",
        "gates in the order r z n, as PyTorch has them",
        "keras",
        ("gate order",),
        BELOW,
        change=regated((1, 0, 2), *(f"below/gru_cell/{slot}" for slot in ("kernel", "recurrent_kernel", "bias"))),
    ),
    Mutant(
        "gru-reset-before",
        "reset_after=False",
        "keras",
        ("setting",),
        ABOVE,
        {"reset_before": True},
        change=_one_bias,
    ),
    Mutant(
        "gru-recurrent-bias",
        "the bias of the recurrent product forgotten",
        "torch",
        ("missing weights",),
        ABOVE,
        change=zeroed("gru2.bias_hh_l0"),
    ),
    Mutant(
        "gru-hard-sigmoid",
        "gates by a hard sigmoid",
        "keras",
        ("activation",),
        BELOW,
        {"settings": {"recurrent_activation": "hard_sigmoid"}},
    ),
    Mutant(
        "gru-layers-swapped",
        "two layers of one size swapped",
        "keras",
        ("swapped weights",),
        (*BELOW, *ABOVE),
        change=swapped(
            *((f"below/gru_cell/{slot}", f"above/gru_cell/{slot}") for slot in ("kernel", "recurrent_kernel", "bias"))
        ),
    ),
    Mutant(
        "gru-backwards",
        "a layer that reads backwards",
        "keras",
        ("setting",),
        BELOW,
        {"settings": {"go_backwards": True}},
    ),
    Mutant(
        "gru-first-step",
        "the first step for the last",
        "torch",
        ("wiring", "setting"),
        ("select", "gru2", "above", "fc", "dense"),
        {"first": True},
    ),
    Mutant(
        "gru-transposed",
        "a square dense kernel transposed",
        "torch",
        ("transposed kernel",),
        ("fc", "dense"),
        change=swapped_axes("fc.weight", 0, 1),
    ),
    Mutant(
        "gru-softmax",
        "softmax for its logarithm",
        "keras",
        ("softmax",),
        ("log_softmax", "logarithms", "probabilities", "out", "last", ENDS),
        {"softmax": True},
    ),
    Mutant(
        "gru-scaled",
        "a recurrent kernel times 1.001",
        "torch",
        ("scale",),
        BELOW,
        change=scaled("gru1.weight_hh_l0", 1.001),
    ),
    Mutant(
        "gru-float16",
        "a kernel rounded to float16",
        "keras",
        ("rounded weights",),
        ABOVE,
        change=through_half("above/gru_cell/kernel"),
    ),
)
GRU = Architecture("GRU", Gru, keras_gru, _steps, ({"size": 8}, {"size": 5, "width": 9}), GRU_MUTANTS)
