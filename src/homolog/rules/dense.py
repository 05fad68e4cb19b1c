"""Layers whose weight is a matrix: dense, and the embedding table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homolog.graph import OpenShape
from homolog.rules.rule import FEATURES, Field, Fields, Keras, Layout, Rule, Slot, Torch
from homolog.tensors import Shape
from homolog.transforms import Axes


def _infer_dense(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    return (*inputs[0][:-1], weights["weight"][0])


def _infer_embedding(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    return (*inputs[0], weights["weight"][1])


LINEAR = Rule(
    "linear",
    torch=Torch(("Linear",), ("linear",), ignore=("in_features", "out_features")),
    keras=Keras(("Dense",), ignore=("units",), fixed={"quantization_config": None, "lora_rank": None}),
    slots=(
        Slot("weight", "kernel", Axes("out inp -> inp out"), features="inp"),
        Slot("bias", "bias", when="use_bias"),
    ),
    layout=FEATURES,
    infer=_infer_dense,
)

EMBEDDING = Rule(
    "embedding",
    torch=Torch(
        ("Embedding",),
        ("embedding",),
        ignore=("num_embeddings", "embedding_dim", "norm_type", "scale_grad_by_freq", "sparse"),
        fixed={"max_norm": None},
        renamed={"indices": "input"},
    ),
    keras=Keras(
        ("Embedding",),
        ignore=("input_dim", "output_dim", "input_length"),
        fixed={"quantization_config": None, "lora_rank": None, "sparse": False},
    ),
    fields=(
        Field("padding_idx", otherwise=None, effect="training"),
        Field("mask_zero", "mask_zero", otherwise=False, effect="training", torch=False),
    ),
    slots=(Slot("weight", "embeddings"),),
    layout=Layout("opaque"),
    infer=_infer_embedding,
)

RULES = (LINEAR, EMBEDDING)
