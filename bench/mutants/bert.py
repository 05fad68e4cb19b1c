"""An encoder as BERT has it: words and places, attention under a mask, layer norms behind the sums, GELU."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import keras
from bench.mutants.changes import nudged, rearranged, rolled, scaled, swapped, swapped_axes, through_half, zeroed
from bench.mutants.mutant import ANYWHERE, Architecture, Array, Mutant
from keras import layers, ops

WORDS, HEADS = 31, 2


class Layer(nn.Module):
    def __init__(self, width: int, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, width = x.shape
        heads = self.other.get("heads", HEADS)
        q, k, v = (
            layer(x).view(batch, length, heads, width // heads).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        scores = q @ k.transpose(-1, -2)
        if not self.other.get("unscaled"):
            scores = scores / (width // heads) ** 0.5
        if not self.other.get("unmasked"):
            scores = scores.masked_fill(mask[:, None, None, :] == 0, -1e9)
        weights = functional.softmax(scores, dim=-1)
        if self.other.get("dropout"):
            weights = functional.dropout(weights, 0.1, training=True)
        y = self.output((weights @ v).transpose(1, 2).reshape(batch, length, width))
        x = self.norm1(x + y)
        y = self.down(functional.gelu(self.up(x), approximate="tanh" if self.other.get("tanh") else "none"))
        return self.norm2(y if self.other.get("alone") else x + y)


class Net(nn.Module):
    def __init__(self, size: int = 6, width: int = 8, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.words = nn.Embedding(WORDS, width)
        self.places = nn.Embedding(size, width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.layers = nn.ModuleList([Layer(width, **other), Layer(width)])
        self.pooler = nn.Linear(width, width)
        self.classifier = nn.Linear(width, 3)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        places = torch.arange(ids.shape[1])
        if self.other.get("offset"):
            places = (places + 1) % ids.shape[1]
        x = self.norm(self.words(ids) + self.places(places))
        for layer in self.layers:
            x = layer(x, mask)
        x = self.pooler(x[:, 0])
        return self.classifier(x if self.other.get("linear") else torch.tanh(x))


class Places(layers.Layer):
    """A learnt vector for every place, added."""

    def __init__(self, length: int, **other: Any) -> None:
        super().__init__(**other)
        self.length = length

    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=(self.length, shape[-1]), name="table")

    def call(self, x: Any) -> Any:
        return x + self.table


def keras_net(size: int = 6, width: int = 8, **other: Any) -> keras.Model:
    def norm(name: str) -> Any:
        return layers.LayerNormalization(epsilon=1e-3 if other.get("eps") in (name, "all") else 1e-6, name=name)

    def encoder(name: str, x: Any, mask: Any) -> Any:
        wanted = None if other.get("unmasked") == name else ops.expand_dims(mask, 1)
        attention = layers.MultiHeadAttention(HEADS, width // HEADS, name=f"{name}_attention")
        y = attention(x, x, attention_mask=wanted)
        if other.get("pre") == name:
            x = layers.Add(name=f"{name}_add1")([x, norm(f"{name}_norm1")(y)])
        else:
            x = norm(f"{name}_norm1")(layers.Add(name=f"{name}_add1")([x, y]))
        act = "silu" if other.get("silu") == name else "gelu"
        y = layers.Dense(width, name=f"{name}_down")(layers.Dense(3 * width, activation=act, name=f"{name}_up")(x))
        return norm(f"{name}_norm2")(layers.Add(name=f"{name}_add2")([x, y]))

    ids = keras.Input((size,), dtype="int32", name="ids")
    mask = keras.Input((size,), dtype="int32", name="mask")
    x = layers.Embedding(WORDS, width, name="word_table")(ids)
    x = norm("norm")(Places(size, name="places")(x))
    x = encoder("two", encoder("one", x, mask), mask)
    x = layers.Dense(width, activation="tanh", name="pool")(x[:, 0])
    return keras.Model([ids, mask], layers.Dense(3, name="classify")(x))


def _inputs(size: int, random: np.random.Generator) -> tuple[Array, ...]:
    mask = np.ones((2, size), np.int64)
    mask[1, size // 2 :] = 0
    return random.integers(0, WORDS, (2, size)), mask


def _attention(torch_layer: str, keras_layer: str, *parts: str) -> tuple[str, ...]:
    """Parts of an attention, under the names of both sides."""
    return (*(f"{torch_layer}.{part}" for part in parts), *(f"{keras_layer}_attention/{part}" for part in parts))


CORE = (
    "one_attention",
    *(
        f"layers.0.{op}"
        for op in ("matmul", "matmul_1", "div", "masked_fill", "softmax", "dropout", "query", "key", "output")
    ),
)
MUTANTS = (
    Mutant("bert-eps", "eps 1e-3 in every layer norm", "keras", ("eps",), ("norm",), {"eps": "all"}),
    Mutant(
        "bert-one-eps",
        "eps 1e-3 in one layer norm",
        "keras",
        ("eps",),
        ("layers.1.norm1", "two_norm1"),
        {"eps": "two_norm1"},
    ),
    Mutant(
        "bert-tanh-gelu",
        "GELU by tanh",
        "torch",
        ("activation",),
        ("layers.0.up", "layers.0.gelu", "one_up"),
        {"tanh": True},
    ),
    Mutant(
        "bert-silu",
        "SiLU for GELU",
        "keras",
        ("activation",),
        ("layers.1.up", "layers.1.gelu_1", "two_up"),
        {"silu": "two"},
    ),
    Mutant(
        "bert-query-key",
        "query and key swapped",
        "keras",
        ("swapped weights",),
        _attention("layers.0", "one", "query", "key"),
        change=swapped(*((f"one_attention/query/{s}", f"one_attention/key/{s}") for s in ("kernel", "bias"))),
    ),
    Mutant(
        "bert-no-scale",
        "scores that are not divided by the root of the head's size",
        "torch",
        ("scale", "setting"),
        CORE,
        {"unscaled": True},
    ),
    Mutant("bert-heads", "four heads for two", "torch", ("setting",), CORE, {"heads": 4}),
    Mutant(
        "bert-mask-torch",
        "the mask ignored in one attention",
        "torch",
        ("wiring", "setting"),
        (*CORE, "mask"),
        {"unmasked": True},
    ),
    Mutant(
        "bert-mask-keras",
        "the mask ignored in one attention",
        "keras",
        ("wiring", "setting"),
        (
            "two_attention",
            "mask",
            *(
                f"layers.1.{op}"
                for op in ("matmul_2", "matmul_3", "masked_fill_1", "softmax_1", "query", "key", "output")
            ),
        ),
        {"unmasked": "two"},
    ),
    Mutant("bert-dropout", "dropout left on in an attention", "torch", ("dropout",), CORE, {"dropout": True}),
    Mutant(
        "bert-place-offset",
        "places counted from one",
        "torch",
        ("other weights", "wiring"),
        ("places", "places/table", "arange", "add"),
        {"offset": True},
    ),
    Mutant(
        "bert-place-table",
        "the table of places one row further",
        "keras",
        ("other weights",),
        ("places", "places/table"),
        change=rolled("places/table", 1),
    ),
    Mutant(
        "bert-linear-pooler",
        "tanh of the pooler forgotten",
        "torch",
        ("activation",),
        ("pooler", "pool", "tanh"),
        {"linear": True},
    ),
    Mutant(
        "bert-norm-inside",
        "the layer norm before the residual is added",
        "keras",
        ("wiring",),
        (
            "layers.0.norm1",
            "layers.0.add_1",
            "layers.0.output",
            "one_norm1",
            "one_add1",
            "one_attention",
        ),
        {"pre": "one"},
    ),
    Mutant(
        "bert-no-residual",
        "a residual that is not added",
        "torch",
        ("wiring",),
        ("layers.0.down", "layers.0.norm2", "layers.0.add_2", "one_down", "one_add2", "one_norm2"),
        {"alone": True},
    ),
    Mutant(
        "bert-head-order",
        "the query's features by size and head for head and size",
        "torch",
        ("flatten order", "other weights"),
        _attention("layers.1", "two", "query"),
        change=rearranged("layers.1.query.weight", (2, 4, 8), (1, 0, 2)),
    ),
    Mutant(
        "bert-output-transposed",
        "the square kernel behind an attention transposed",
        "torch",
        ("transposed kernel",),
        ("layers.0.output", "one_attention/attention_output"),
        change=swapped_axes("layers.0.output.weight", 0, 1),
    ),
    Mutant(
        "bert-value-bias",
        "the value's bias forgotten",
        "keras",
        ("missing weights",),
        _attention("layers.1", "two", "value"),
        change=zeroed("two_attention/value/bias"),
    ),
    Mutant(
        "bert-padding-row",
        "one number of one word's row changed",
        "keras",
        ("other weights",),
        ("words", "word_table"),
        change=nudged("word_table/embeddings", 0.01),
    ),
    Mutant(
        "bert-scaled",
        "a kernel times 1.001",
        "torch",
        ("scale",),
        ("layers.1.down", "two_down"),
        change=scaled("layers.1.down.weight", 1.001),
    ),
    Mutant(
        "bert-float16",
        "all weights rounded to float16",
        "torch",
        ("rounded weights",),
        (ANYWHERE,),
        change=through_half(),
    ),
)
BERT = Architecture("BERT", Net, keras_net, _inputs, ({"size": 6}, {"size": 9, "width": 12}), MUTANTS)
