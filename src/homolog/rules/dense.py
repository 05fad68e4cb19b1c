"""Layers whose weight is a matrix: dense, and the embedding table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from homolog.graph import Node, OpenShape, Value
from homolog.rules.arguments import Arguments, Size
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
    torch=Torch(
        ("Linear", "NonDynamicallyQuantizableLinear"),
        ("linear",),
        ignore=("in_features", "out_features"),
        make=Arguments(
            sizes={"in_features": Size("weight", 1), "out_features": Size("weight", 0)}, flags={"bias": "bias"}
        ),
    ),
    keras=Keras(
        ("Dense",),
        ignore=("units",),
        fixed={"quantization_config": None, "lora_rank": None},
        make=Arguments(sizes={"units": Size("weight", 0)}),
    ),
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
        make=Arguments(sizes={"num_embeddings": Size("weight", 0), "embedding_dim": Size("weight", 1)}),
    ),
    keras=Keras(
        ("Embedding",),
        ignore=("input_dim", "output_dim", "input_length"),
        fixed={"quantization_config": None, "lora_rank": None, "sparse": False},
        make=Arguments(sizes={"input_dim": Size("weight", 0), "output_dim": Size("weight", 1)}),
    ),
    fields=(
        Field("padding_idx", form=Form(_index), otherwise=None, effect="training"),
        Field("mask_zero", "mask_zero", otherwise=False, effect="training", torch=False),
    ),
    slots=(Slot("weight", "embeddings"),),
    layout=OPAQUE,
    infer=_infer_embedding,
)


def _looked_up(node: Node) -> tuple[tuple[Node, ...], tuple[Value, ...]]:
    """A row for each id; in reverse a score for each row, the product with the table or with one of its own."""
    table, own = node.weights.get("weight"), node.weights.get("reverse")
    fields = {"padding_idx": None, "mask_zero": node.fields["mask_zero"]}
    if not node.fields["reverse"]:
        weights = {} if table is None else {"weight": table}
        return (replace(node, kind=EMBEDDING.kind, fields=fields, weights=weights),), (Value(node.name),)
    scores = table if own is None else own
    weights = {} if scores is None else {"weight": scores}
    return (replace(node, kind=LINEAR.kind, fields={}, weights=weights),), (Value(node.name),)


REVERSIBLE_EMBEDDING = Rule(
    "reversible_embedding",
    keras=Keras(
        ("ReversibleEmbedding",),
        ignore=("input_dim", "output_dim", "tie_weights", "reverse_dtype"),
        fixed={"quantization_config": None, "lora_rank": None, "logit_soft_cap": None},
        why={"logit_soft_cap": "the scores behind it are bent by a tanh, which is no layer of PyTorch's"},
    ),
    fields=(
        Field("reverse", "reverse", otherwise=False),
        Field("mask_zero", "mask_zero", otherwise=False, effect="training"),
    ),
    slots=(
        Slot("weight", "embeddings"),
        Slot("reverse", "reverse_embeddings", Axes("out inp -> inp out"), when="!tie_weights"),
    ),
    units=_looked_up,
)


def _mode(value: object) -> object:
    return ("sum", "mean", "max")[value] if isinstance(value, int) else value  # the operator's numbers


EMBEDDING_BAG = Rule(
    "embedding_bag",
    torch=Torch(
        ("EmbeddingBag",),
        ("embedding_bag.padding_idx",),
        ignore=("num_embeddings", "embedding_dim", "norm_type", "scale_grad_by_freq", "sparse"),
        fixed={"max_norm": None, "per_sample_weights": None},
        make=Arguments(
            sizes={"num_embeddings": Size("weight", 0), "embedding_dim": Size("weight", 1)},
            defaults={"mode": "mean"},
        ),
    ),
    fields=(
        Field("mode", form=Form(_mode)),
        Field("padding_idx", form=Form(_index), otherwise=None),
        Field("include_last_offset", otherwise=False),
    ),
    slots=(Slot("weight", "embeddings"),),
    layout=OPAQUE,
    chained=False,
)
"""Sums or means of rows of a table; Keras has no such layer."""


def _infer_bilinear(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    return (*inputs[0][:-1], weights["weight"][0])


BILINEAR_AXES = {"in1_features": 1, "in2_features": 2, "out_features": 0}

BILINEAR = Rule(
    "bilinear",
    torch=Torch(
        ("Bilinear",),
        ("bilinear",),
        ignore=("in1_features", "in2_features", "out_features"),
        make=Arguments(
            sizes={name: Size("weight", axis) for name, axis in BILINEAR_AXES.items()}, flags={"bias": "bias"}
        ),
    ),
    slots=(Slot("weight", "kernel"), Slot("bias", "bias")),
    layout=OPAQUE,
    infer=_infer_bilinear,
    chained=False,
)
"""A linear layer over the products of two values' features; Keras has no such layer."""

RULES = (LINEAR, EMBEDDING, REVERSIBLE_EMBEDDING, EMBEDDING_BAG, BILINEAR)
