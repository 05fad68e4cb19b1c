"""Normalisation with batch, layer and group statistics.

Keras's momentum is the share of the old statistic that is kept, PyTorch's the share of the new one that is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Node, OpenShape, Value
from homolog.rules.arguments import Arguments, Size, Unwritten, last_as_minus_one, spatial_rank
from homolog.rules.rule import CHANNELWISE, ELEMENTWISE, Field, Fields, Form, Keras, Rule, Slot, Torch
from homolog.tensors import Shape


def _complement(value: object) -> object:
    return round(1.0 - cast(float, value), 12)


def _kept_share(value: object) -> object:
    """None for an average over all batches, which a trace of PyTorch writes as 0, and Keras has not."""
    return _complement(value) if value else None


COMPLEMENT = Form(from_keras=_complement, to_keras=_kept_share)
COUNTER = "counts training steps; Keras has no counterpart"
EPS = Field("eps", "epsilon", carried=True)


def _axes(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _one_or_list(value: object) -> object:
    """Keras's word for axes: the number of one, or a list."""
    axes = cast(Shape, value)
    return axes[0] if len(axes) == 1 else list(axes)


AXES = Form(from_keras=_axes, to_keras=_one_or_list)
LAST = {"axis": (-1,)}
"""Keras's axis, unless told otherwise."""


def _axis(otherwise: Shape | None) -> Field:
    return Field("axis", "axis", AXES, otherwise=otherwise, effect="axis", torch=False)


def _settle_axis(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    """Axes counted from the front, which takes the rank of the input."""
    rank = len(inputs[0])
    fields["axis"] = tuple(sorted(axis % rank for axis in cast(Shape, fields["axis"])))
    return fields


SCALE_AND_SHIFT = (
    Slot("weight", "gamma", when="scale", features="f"),
    Slot("bias", "beta", when="center !rms_scaling", features="f"),
)
STATISTICS = (
    Slot("running_mean", "moving_mean", features="f", trainable=False),
    Slot("running_var", "moving_variance", features="f", trainable=False),
)


def _batch_norm_class(node: Node) -> str:
    """PyTorch's has a class for each number of axes; the one for sequences takes flat batches too."""
    return f"BatchNorm{max(spatial_rank(node), 1)}d"


def _batch_norm_to_torch(node: Node) -> Fields:
    """No momentum is an average over all batches, which a trace writes as 0."""
    return {**node.fields, "momentum": node.fields["momentum"] or None}


def _batch_norm_to_keras(node: Node) -> Fields:
    """Keras has no average over all batches, which PyTorch writes as no momentum."""
    fields = last_as_minus_one("axis")(node)
    if not fields["momentum"]:
        del fields["momentum"]
    return fields


BATCH_NORM = Rule(
    "batch_norm",
    torch=Torch(
        ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"),
        ("batch_norm",),
        ignore=("num_features", "affine", "cudnn_enabled", "process_group", "bias"),
        fixed={"track_running_stats": True, "training": False},
        buffers={"num_batches_tracked": COUNTER},
        make=Arguments(
            _batch_norm_class,
            sizes={"num_features": Size("running_mean", 0)},
            flags={"affine": "weight", "bias": "bias"},
            defaults={"eps": 1e-5, "momentum": 0.1},
            restore=_batch_norm_to_torch,
        ),
    ),
    keras=Keras(
        ("BatchNormalization", "SyncBatchNormalization"),
        ignore=("synchronized", "renorm_clipping", "renorm_momentum"),
        fixed={"renorm": False, "virtual_batch_size": None},
        make=Arguments(defaults={**LAST, "eps": 1e-3, "momentum": 0.01}, restore=_batch_norm_to_keras),
    ),
    fields=(EPS, Field("momentum", "momentum", COMPLEMENT, effect="training", carried=True), _axis((1,))),
    slots=(*SCALE_AND_SHIFT, *STATISTICS),
    layout=CHANNELWISE,
    settle=_settle_axis,
)


LENGTHS = Field("normalized_shape", form=Form(from_torch=_axes), otherwise=None, effect="size")


def _normalise_layer_norm(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    """PyTorch gives the lengths of the last axes, Keras the numbers of any."""
    lengths = fields.pop("normalized_shape")
    if lengths is not None:
        fields["axis"] = tuple(range(-len(cast(Shape, lengths)), 0))
    return fields


def _layer_norm_to_torch(node: Node) -> Fields:
    """The lengths of the last axes, from the weight or the output, in place of their numbers.

    Raises:
        Unwritten: other axes, or lengths that are not known.
    """
    axes, shape = cast(Shape, node.fields["axis"]), node.shapes[0] if node.shapes else ()
    weight = node.weights.get("weight")
    rank = len(shape) if shape else 0
    if sorted(axis - rank if axis >= 0 else axis for axis in axes) != list(range(-len(axes), 0)):
        raise Unwritten("axis", "PyTorch takes the last axes")
    lengths = shape[-len(axes) :] if weight is None else weight.shape
    if not lengths or None in lengths:
        raise Unwritten("axis", "a weight, or a shape, that tells the lengths of the axes")
    fields = {name: value for name, value in node.fields.items() if name != "axis"}
    return {**fields, "normalized_shape": lengths[0] if len(lengths) == 1 else tuple(lengths)}


LAYER_NORM = Rule(
    "layer_norm",
    torch=Torch(
        ("LayerNorm",),
        ("layer_norm",),
        ignore=("elementwise_affine", "cudnn_enable", "bias"),
        make=Arguments(
            flags={"elementwise_affine": "weight", "bias": "bias"},
            defaults={"eps": 1e-5},
            restore=_layer_norm_to_torch,
        ),
    ),
    keras=Keras(
        ("LayerNormalization",), make=Arguments(defaults={**LAST, "eps": 1e-3}, restore=last_as_minus_one("axis"))
    ),
    fields=(
        EPS,
        LENGTHS,
        # divides by the deviation without taking the mean off, and is no RMS norm for all its name
        Field("rms_scaling", "rms_scaling", otherwise=False, torch=False),
        _axis((-1,)),
    ),
    slots=SCALE_AND_SHIFT,
    layout=ELEMENTWISE,
    normalise=_normalise_layer_norm,
    settle=_settle_axis,
)


def _or_smallest(value: object) -> object:
    """PyTorch's RMSNorm without eps takes the element type's: 2**-23 for float32, which is what networks are in."""
    return 2.0**-23 if value is None else value


RMS_NORM = Rule(
    "rms_norm",
    torch=Torch(
        ("RMSNorm",),
        ("rms_norm",),
        ignore=("elementwise_affine",),
        make=Arguments(flags={"elementwise_affine": "weight"}, restore=_layer_norm_to_torch),
    ),
    keras=Keras(
        ("RMSNormalization",), make=Arguments(defaults={**LAST, "eps": 1e-6}, restore=last_as_minus_one("axis"))
    ),
    fields=(Field("eps", "epsilon", Form(from_torch=_or_smallest), carried=True), LENGTHS, _axis((-1,))),
    slots=(Slot("weight", "scale", features="f"),),
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
    torch=Torch(
        ("GroupNorm",),
        ("group_norm",),
        ignore=("num_channels", "affine", "cudnn_enabled", "bias"),
        make=Arguments(
            sizes={"num_channels": Size("weight", 0, output=1)},
            flags={"affine": "weight", "bias": "bias"},
            defaults={"eps": 1e-5},
        ),
    ),
    keras=Keras(
        ("GroupNormalization",),
        make=Arguments(defaults={**LAST, "num_groups": 32, "eps": 1e-3}, restore=last_as_minus_one("axis")),
    ),
    fields=(Field("num_groups", "groups"), EPS, _axis((1,))),
    slots=SCALE_AND_SHIFT,
    layout=CHANNELWISE,
    settle=_settle_group_norm,
)


def _instance_norm(node: Node) -> tuple[tuple[Node, ...], tuple[Value, ...]]:
    """A group norm with a group for each channel; with stored statistics, what a batch norm does at inference."""
    fields = {name: node.fields[name] for name in ("eps", "axis")}
    stored = bool(node.fields["track_running_stats"])
    rule = BATCH_NORM if stored else GROUP_NORM
    fields |= {"momentum": node.fields["momentum"]} if stored else {"num_groups": -1}
    weights = rule.torch_weights({slot: weight.tensors[0] for slot, weight in node.weights.items()})
    return (replace(node, kind=rule.kind, fields=fields, weights=weights),), (Value(node.name),)


INSTANCE_NORM = Rule(
    "instance_norm",
    torch=Torch(
        ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
        ("instance_norm",),
        ignore=("num_features", "affine", "cudnn_enabled", "use_input_stats", "bias"),
        buffers={"num_batches_tracked": COUNTER},
    ),
    fields=(
        EPS,
        Field("momentum", effect="training", carried=True),
        Field("track_running_stats", otherwise=None),
        _axis((1,)),
    ),
    slots=(*SCALE_AND_SHIFT, *STATISTICS),
    normalise=lambda fields, weights: {**fields, "track_running_stats": "running_mean" in weights},
    units=_instance_norm,
)

UNIT_NORM = Rule(
    "unit_norm",
    keras=Keras(("UnitNormalization",), make=Arguments(defaults=LAST, restore=last_as_minus_one("axis"))),
    fields=(_axis((-1,)),),
    layout=ELEMENTWISE,
    settle=_settle_axis,
)

RULES = (BATCH_NORM, LAYER_NORM, RMS_NORM, GROUP_NORM, INSTANCE_NORM, UNIT_NORM)
