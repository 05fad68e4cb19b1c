"""Layers whose weight is a matrix: dense, and the embedding table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homolog.graph import OpenShape
from homolog.rules.rule import FEATURES, OPAQUE, Field, Fields, Form, Keras, Rule, Slot, Torch
from homolog.tensors import Shape
from homolog.transforms import Axes


def _infer_dense(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    return (*inputs[0][:-1], weights["weight"][0])


def _infer_embedding(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    return (*inputs[0], weights["weight"][1])


def _index(value: object) -> object:
    return None if value == -1 else value  # the operator's word for none


LINEAR = Rule(
    "linear",
    torch=Torch(("Linear",), ("linear",), ignore=("in_features", "out_features")),
    keras=Keras(("Dense",), ignore=("units",), fixed={"quantization_config": None, "lora_rank": None}),
    slots=(
        Slot("weight", "kernel", Axes("out inp -> inp out"), features="inp", produces="out"),
        Slot("bias", "bias", when="use_bias", produces="out"),
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
    ),
    keras=Keras(
        ("Embedding",),
        ignore=("input_dim", "output_dim", "input_length"),
        fixed={"quantization_config": None, "lora_rank": None, "sparse": False},
    ),
    fields=(
        Field("padding_idx", form=Form(_index), otherwise=None, effect="training"),
        Field("mask_zero", "mask_zero", otherwise=False, effect="training", torch=False),
    ),
    slots=(Slot("weight", "embeddings"),),
    layout=OPAQUE,
    infer=_infer_embedding,
)

RULES = (LINEAR, EMBEDDING)
