"""Activations, and dropout, which is the identity at inference.

Keras has most of them three times: as a layer, as a ``keras.ops`` operation, and as the ``activation`` of another
layer, whose defaults differ now and then (LeakyReLU: 0.3 as a layer, 0.2 as an activation; PyTorch: 0.01).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from homolog.graph import OpenShape
from homolog.rules.rule import CHANNELWISE, ELEMENTWISE, Field, Fields, Form, Keras, Rule, Slot, Torch
from homolog.tensors import Shape
from homolog.transforms import Axes


def _plain(name: str, torch: tuple[str, ...], aten: tuple[str, ...], keras: Keras) -> Rule:
    return Rule(name, Torch(torch, aten, ignore=("inplace",)), keras, layout=ELEMENTWISE)


def _named(*names: str, classes: tuple[str, ...] = (), ops: tuple[str, ...] = ()) -> Keras:
    return Keras(classes, ops, {name: {} for name in names})


_plain_rules = (
    _plain("tanh", ("Tanh",), ("tanh", "tanh_"), _named("tanh", ops=("Tanh",))),
    _plain("sigmoid", ("Sigmoid",), ("sigmoid", "sigmoid_"), _named("sigmoid", ops=("Sigmoid",))),
    _plain("silu", ("SiLU",), ("silu", "silu_"), _named("silu", "swish", ops=("Silu",))),
    _plain("mish", ("Mish",), ("mish", "mish_"), _named("mish", ops=("Mish",))),
    _plain("selu", ("SELU",), ("selu", "selu_"), _named("selu", ops=("Selu",))),
    _plain("softsign", ("Softsign",), ("softsign",), _named("softsign", ops=("Softsign",))),
    _plain(
        "hard_sigmoid", ("Hardsigmoid",), ("hardsigmoid", "hardsigmoid_"), _named("hard_sigmoid", ops=("HardSigmoid",))
    ),
    _plain(
        "hard_silu", ("Hardswish",), ("hardswish", "hardswish_"), _named("hard_silu", "hard_swish", ops=("HardSilu",))
    ),
    _plain("log_sigmoid", ("LogSigmoid",), ("log_sigmoid",), _named("log_sigmoid", ops=("LogSigmoid",))),
    _plain("exp", (), ("exp", "exp_"), _named("exponential", ops=("Exp",))),
    _plain("tanh_shrink", ("Tanhshrink",), (), _named("tanh_shrink", ops=("TanhShrink",))),
)

OR_ZERO = Form(from_keras=lambda value: value or 0)

RELU = Rule(
    "relu",
    torch=Torch(
        ("ReLU", "ReLU6"),
        ("relu", "relu_", "relu6", "relu6_"),
        ignore=("inplace", "min_val", "max_val"),
        given={name: {"max_value": 6} for name in ("ReLU6", "relu6", "relu6_")},
    ),
    keras=Keras(
        ("ReLU",), ("Relu", "Relu6"), {"relu": {}, "relu6": {"max_value": 6}}, given={"Relu6": {"max_value": 6}}
    ),
    fields=(
        Field("max_value", "max_value", otherwise=None, torch=False, carried=True),
        Field("negative_slope", "negative_slope", OR_ZERO, otherwise=0, torch=False, carried=True),
        Field("threshold", "threshold", OR_ZERO, otherwise=0, torch=False, carried=True),
    ),
    layout=ELEMENTWISE,
)

GELU = Rule(
    "gelu",
    torch=Torch(("GELU",), ("gelu",)),
    keras=Keras((), ("Gelu",), {"gelu": {}}),
    fields=(
        Field(
            "approximate",
            "approximate",
            Form(from_keras=lambda value: "tanh" if value else "none", to_keras=lambda value: value == "tanh"),
            otherwise="none",
            carried=True,
        ),
    ),
    layout=ELEMENTWISE,
)

LEAKY_RELU = Rule(
    "leaky_relu",
    torch=Torch(("LeakyReLU",), ("leaky_relu", "leaky_relu_"), ignore=("inplace",)),
    keras=Keras(("LeakyReLU",), ("LeakyRelu",), {"leaky_relu": {"negative_slope": 0.2}}),
    fields=(Field("negative_slope", "negative_slope", older=("alpha",), carried=True),),
    layout=ELEMENTWISE,
)

ELU = Rule(
    "elu",
    torch=Torch(("ELU",), ("elu", "elu_"), ignore=("inplace",), fixed={"scale": 1, "input_scale": 1}),
    keras=Keras(("ELU",), ("Elu",), {"elu": {}}),
    fields=(Field("alpha", "alpha", otherwise=1.0, carried=True),),
    layout=ELEMENTWISE,
)

CELU = Rule(
    "celu",
    torch=Torch(("CELU",), ("celu", "celu_"), ignore=("inplace",)),
    keras=Keras((), ("Celu",), {"celu": {}}),
    fields=(Field("alpha", "alpha", otherwise=1.0, carried=True),),
    layout=ELEMENTWISE,
)

SOFTPLUS = Rule(
    "softplus",
    torch=Torch(("Softplus",), ("softplus",), fixed={"threshold": 20}),
    keras=Keras((), ("Softplus",), {"softplus": {}}),
    fields=(Field("beta", otherwise=1, carried=True),),
    layout=ELEMENTWISE,
)

HARD_TANH = Rule(
    "hard_tanh",
    torch=Torch(("Hardtanh",), ("hardtanh", "hardtanh_"), ignore=("inplace",)),
    keras=Keras((), ("HardTanh",), {"hard_tanh": {}}),
    fields=(Field("min_val", otherwise=-1.0, carried=True), Field("max_val", otherwise=1.0, carried=True)),
    layout=ELEMENTWISE,
)


def _settle_softmax(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    rank, dim = len(inputs[0]), fields["dim"]
    if dim is None:  # PyTorch's own choice, torch.nn.functional._get_softmax_dim
        dim = 0 if rank in (0, 1, 3) else 1
    if isinstance(dim, list | tuple):
        return {**fields, "dim": tuple(sorted(axis % rank for axis in dim))}
    return {**fields, "dim": cast(int, dim) % rank}


def _softmax(name: str, torch: str, aten: str, keras: Keras) -> Rule:
    return Rule(
        name,
        torch=Torch((torch,), (aten,), ignore=("dtype",)),
        keras=keras,
        fields=(Field("dim", "axis", otherwise=-1, effect="axis"),),
        layout=ELEMENTWISE,
        settle=_settle_softmax,
    )


SOFTMAX = _softmax("softmax", "Softmax", "softmax.int", Keras(("Softmax",), ("Softmax",), {"softmax": {}}))
LOG_SOFTMAX = _softmax("log_softmax", "LogSoftmax", "log_softmax.int", Keras((), ("LogSoftmax",), {"log_softmax": {}}))


def _one_axis(keras_shape: Shape) -> Axes | None:
    """Keras keeps a slope for every axis but the batch's, of length one where it is shared; PyTorch keeps one for
    each channel, or one in all."""
    telling = [axis for axis, length in enumerate(keras_shape) if length != 1] or [len(keras_shape) - 1]
    if len(telling) > 1:
        return None
    return Axes(f"c -> {' '.join('c' if axis == telling[0] else '1' for axis in range(len(keras_shape)))}")


def _normalise_prelu(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    if weights.get("weight") == (1,):
        fields["axis"] = ()  # the same slope everywhere
    return fields


def _settle_prelu(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    """The axes along which the slopes differ."""
    if fields["axis"] is None:
        shared = cast(Shape | None, fields["shared"])
        all_axes = range(1, len(inputs[0]))
        fields["axis"] = (1,) if shared is None else tuple(axis for axis in all_axes if axis not in shared)
    return fields


PRELU = Rule(
    "prelu",
    torch=Torch(("PReLU",), ("prelu",), ignore=("num_parameters", "init")),
    keras=Keras(("PReLU",)),
    fields=(
        # PyTorch has no such setting and always shares everything but the channels
        Field(
            "shared",
            "shared_axes",
            Form(from_keras=lambda value: tuple(cast(Shape, value or ()))),
            otherwise=None,
            effect="layout",
            torch=False,
            absent=(),
        ),
        Field("axis", otherwise=None, effect="axis", torch=False),
    ),
    slots=(Slot("weight", "alpha", _one_axis, features="c"),),
    layout=CHANNELWISE,
    normalise=_normalise_prelu,
    settle=_settle_prelu,
)

DROPOUT = Rule(
    "dropout",
    torch=Torch(
        ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"),
        ("dropout", "dropout_", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"),
        ignore=("inplace", "train"),
    ),
    keras=Keras(
        ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"),
        ignore=("seed", "noise_shape", "data_format"),
    ),
    fields=(Field("p", "rate", effect="training", carried=True),),
    layout=ELEMENTWISE,
)

NOISE = Rule(
    "gaussian_noise",
    kind="dropout",  # nothing at inference, like dropout
    keras=Keras(("GaussianNoise",), ignore=("stddev", "seed")),
    fields=(Field("p", otherwise=0.0, effect="training"),),
    layout=ELEMENTWISE,
)

IDENTITY = Rule(
    "identity",
    torch=Torch(
        ("Identity",),
        ("alias", "clone", "contiguous", "detach", "detach_", "lift_fresh_copy"),
        ignore=("memory_format",),
    ),
    keras=Keras(
        ("Identity", "ActivityRegularization"),
        ("Identity", "ConvertToTensor", "StopGradient"),
        {"linear": {}},
        ignore=("l1", "l2", "sparse", "ragged", "dtype"),
    ),
    layout=ELEMENTWISE,
)

RULES = (
    *_plain_rules,
    *(RELU, GELU, LEAKY_RELU, ELU, CELU, SOFTPLUS, HARD_TANH, SOFTMAX, LOG_SOFTMAX, PRELU, DROPOUT, NOISE, IDENTITY),
)
