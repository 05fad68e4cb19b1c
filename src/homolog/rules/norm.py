"""Normalisation with batch, layer and group statistics.

Keras's momentum is the share of the old statistic that is kept, PyTorch's the share of the new one that is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from homolog.graph import OpenShape
from homolog.rules.rule import CHANNELWISE, ELEMENTWISE, Field, Fields, Form, Keras, Rule, Slot, Torch
from homolog.tensors import Shape

COMPLEMENT = Form(from_keras=lambda value: round(1.0 - cast(float, value), 12))
COUNTER = "counts training steps; Keras has no counterpart"
EPS = Field("eps", "epsilon")


def _axes(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _axis(otherwise: Shape | None) -> Field:
    return Field("axis", "axis", Form(from_keras=_axes), otherwise=otherwise, effect="axis", torch=False)


def _settle_axis(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    """Axes counted from the front, which takes the rank of the input."""
    rank = len(inputs[0])
    fields["axis"] = tuple(sorted(axis % rank for axis in cast(Shape, fields["axis"])))
    return fields


SCALE_AND_SHIFT = (
    Slot("weight", "gamma", when="scale", features="f"),
    Slot("bias", "beta", when="center", features="f"),
)

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
        ignore=("synchronized", "renorm_clipping", "renorm_momentum"),
        fixed={"renorm": False, "virtual_batch_size": None},
    ),
    fields=(EPS, Field("momentum", "momentum", COMPLEMENT, effect="training"), _axis((1,))),
    slots=(
        *SCALE_AND_SHIFT,
        Slot("running_mean", "moving_mean", features="f", trainable=False),
        Slot("running_var", "moving_variance", features="f", trainable=False),
    ),
    layout=CHANNELWISE,
    settle=_settle_axis,
)


def _normalise_layer_norm(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    """PyTorch gives the lengths of the last axes, Keras the numbers of any."""
    lengths = fields.pop("normalized_shape")
    if lengths is not None:
        fields["axis"] = tuple(range(-len(cast(Shape, lengths)), 0))
    return fields


LAYER_NORM = Rule(
    "layer_norm",
    torch=Torch(("LayerNorm",), ("layer_norm",), ignore=("elementwise_affine", "cudnn_enable", "bias")),
    keras=Keras(("LayerNormalization",), fixed={"rms_scaling": False}),
    fields=(EPS, Field("normalized_shape", form=Form(from_torch=_axes), otherwise=None, effect="size"), _axis((-1,))),
    slots=SCALE_AND_SHIFT,
    layout=ELEMENTWISE,
    normalise=_normalise_layer_norm,
    settle=_settle_axis,
)


def _settle_group_norm(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    settled = _settle_axis(fields, inputs)
    if settled["num_groups"] == -1:  # Keras: a group for each channel
        (axis,) = cast(Shape, settled["axis"])
        settled["num_groups"] = inputs[0][axis]
    return settled


GROUP_NORM = Rule(
    "group_norm",
    torch=Torch(("GroupNorm",), ("group_norm",), ignore=("num_channels", "affine", "cudnn_enabled", "bias")),
    keras=Keras(("GroupNormalization",)),
    fields=(Field("num_groups", "groups"), EPS, _axis((1,))),
    slots=SCALE_AND_SHIFT,
    layout=CHANNELWISE,
    settle=_settle_group_norm,
)

RULES = (BATCH_NORM, LAYER_NORM, GROUP_NORM)
