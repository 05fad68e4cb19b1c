"""Normalisation with batch, layer and group statistics.

Keras's momentum is the share of the old statistic that is kept, PyTorch's the share of the new one that is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from homolog.rules.rule import ELEMENTWISE, Field, Fields, Form, Keras, Rule, Slot, Torch
from homolog.tensors import Shape

COMPLEMENT = Form(from_keras=lambda value: round(1.0 - cast(float, value), 12))
COUNTER = "counts training steps; Keras has no counterpart"
EPS = Field("eps", "epsilon")


def _axes(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


AXIS = Field("axis", "axis", Form(from_keras=_axes), otherwise=None, effect="layout", torch=False)

BATCH_NORM = Rule(
    "batch_norm",
    torch=Torch(
        ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"),
        ("batch_norm",),
        ignore=("num_features", "affine", "cudnn_enabled", "process_group", "bias"),
        fixed={"track_running_stats": True, "training": False},
        buffers={"num_batches_tracked": COUNTER},
    ),
    keras=Keras(
        ("BatchNormalization", "SyncBatchNormalization"),
        ignore=("synchronized",),
        fixed={"renorm": False, "virtual_batch_size": None},
    ),
    fields=(EPS, Field("momentum", "momentum", COMPLEMENT, effect="training"), AXIS),
    slots=(
        Slot("weight", "gamma", when="scale"),
        Slot("bias", "beta", when="center"),
        Slot("running_mean", "moving_mean", trainable=False),
        Slot("running_var", "moving_variance", trainable=False),
    ),
    layout=ELEMENTWISE,
)


def _normalise_layer_norm(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    axes = cast(Shape, fields["axis"] or fields["normalized_shape"])
    fields["rank"] = len(next(iter(weights.values()))) if weights else len(axes)
    return fields


LAYER_NORM = Rule(
    "layer_norm",
    torch=Torch(("LayerNorm",), ("layer_norm",), ignore=("elementwise_affine", "cudnn_enable", "bias")),
    keras=Keras(("LayerNormalization",), fixed={"rms_scaling": False}),
    fields=(
        EPS,
        Field("normalized_shape", form=Form(from_torch=_axes), otherwise=None, effect="size"),
        AXIS,
    ),
    slots=(
        Slot("weight", "gamma", when="scale"),
        Slot("bias", "beta", when="center"),
    ),
    layout=ELEMENTWISE,
    normalise=_normalise_layer_norm,
)

GROUP_NORM = Rule(
    "group_norm",
    torch=Torch(("GroupNorm",), ("group_norm",), ignore=("num_channels", "affine", "cudnn_enabled", "bias")),
    keras=Keras(("GroupNormalization",)),
    fields=(Field("num_groups", "groups"), EPS, AXIS),
    slots=(
        Slot("weight", "gamma", when="scale"),
        Slot("bias", "beta", when="center"),
    ),
    layout=ELEMENTWISE,
)

RULES = (BATCH_NORM, LAYER_NORM, GROUP_NORM)
