"""Activations.

Keras has most of them three times: as a layer, as a ``keras.ops`` operation, and as the ``activation`` of another
layer, whose defaults differ now and then (LeakyReLU: 0.3 as a layer, 0.2 as an activation; PyTorch: 0.01).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from homolog.graph import Node, OpenShape
from homolog.rules.arguments import Arguments, Size, Unwritten, last_as_minus_one
from homolog.rules.rule import CHANNELWISE, ELEMENTWISE, Field, Fields, Form, Keras, Rule, Slot, Torch
from homolog.tensors import Shape
from homolog.transforms import Axes


def _plain(name: str, torch: tuple[str, ...], aten: tuple[str, ...], keras: Keras) -> Rule:
    made = Arguments() if torch else None
    return Rule(name, Torch(torch, aten, ignore=("inplace",), make=made), keras, layout=ELEMENTWISE)


def _named(*names: str, classes: tuple[str, ...] = (), ops: tuple[str, ...] = ()) -> Keras:
    return Keras(classes, ops, {name: {} for name in names}, make=Arguments())


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
        make=Arguments(lambda node: "ReLU6" if node.fields["max_value"] == 6 else "ReLU"),
    ),
    keras=Keras(
        ("ReLU",),
        ("Relu", "Relu6"),
        {"relu": {}, "relu6": {"max_value": 6}},
        given={"Relu6": {"max_value": 6}},
        make=Arguments(),
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
    torch=Torch(("GELU",), ("gelu",), make=Arguments()),
    keras=Keras((), ("Gelu",), {"gelu": {}}, make=Arguments()),
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
    torch=Torch(
        ("LeakyReLU",),
        ("leaky_relu", "leaky_relu_"),
        ignore=("inplace",),
        make=Arguments(defaults={"negative_slope": 0.01}),
    ),
    keras=Keras(
        ("LeakyReLU",),
        ("LeakyRelu",),
        {"leaky_relu": {"negative_slope": 0.2}},
        make=Arguments(defaults={"negative_slope": 0.3}),
    ),
    fields=(Field("negative_slope", "negative_slope", older=("alpha",), carried=True),),
    layout=ELEMENTWISE,
)

ELU = Rule(
    "elu",
    torch=Torch(("ELU",), ("elu", "elu_"), ignore=("inplace",), fixed={"scale": 1, "input_scale": 1}, make=Arguments()),
    keras=Keras(("ELU",), ("Elu",), {"elu": {}}, make=Arguments()),
    fields=(Field("alpha", "alpha", otherwise=1.0, carried=True),),
    layout=ELEMENTWISE,
)

CELU = Rule(
    "celu",
    torch=Torch(("CELU",), ("celu", "celu_"), ignore=("inplace",), make=Arguments()),
    keras=Keras((), ("Celu",), {"celu": {}}, make=Arguments()),
    fields=(Field("alpha", "alpha", otherwise=1.0, carried=True),),
    layout=ELEMENTWISE,
)

SOFTPLUS = Rule(
    "softplus",
    torch=Torch(("Softplus",), ("softplus",), fixed={"threshold": 20}, make=Arguments()),
    keras=Keras((), ("Softplus",), {"softplus": {}}, make=Arguments()),
    fields=(Field("beta", otherwise=1, carried=True),),
    layout=ELEMENTWISE,
)

HARD_TANH = Rule(
    "hard_tanh",
    torch=Torch(("Hardtanh",), ("hardtanh", "hardtanh_"), ignore=("inplace",), make=Arguments()),
    keras=Keras((), ("HardTanh",), {"hard_tanh": {}}, make=Arguments()),
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


def _dim(value: object) -> object:
    if isinstance(value, tuple):
        raise ValueError("PyTorch's softmax runs along one axis")
    return value


LAST_DIM = Arguments(restore=last_as_minus_one("dim"))


def _softmax(name: str, torch: str, aten: str, keras: Keras) -> Rule:
    return Rule(
        name,
        torch=Torch((torch,), (aten,), ignore=("dtype",), make=Arguments(defaults={"dim": None})),
        keras=keras,
        fields=(Field("dim", "axis", Form(to_torch=_dim), otherwise=-1, effect="axis"),),
        layout=ELEMENTWISE,
        settle=_settle_softmax,
    )


SOFTMAX = _softmax(
    "softmax", "Softmax", "softmax.int", Keras(("Softmax",), ("Softmax",), {"softmax": {}}, make=LAST_DIM)
)
LOG_SOFTMAX = _softmax(
    "log_softmax",
    "LogSoftmax",
    "log_softmax.int",
    Keras((), ("LogSoftmax",), {"log_softmax": {}}, make=LAST_DIM),
)


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


def _prelu_to_torch(node: Node) -> Fields:
    """The slopes differ along the channels, or nowhere."""
    if node.fields["axis"] not in (None, (), (1,)):
        raise Unwritten("axis", "PyTorch's slopes differ along axis 1 only")
    return {}


def _prelu_to_keras(node: Node) -> Fields:
    """Every axis along which the slopes do not differ is shared."""
    if not node.shapes or node.fields["axis"] is None:
        raise Unwritten("axis", "the number of axes of the value, for all but this one are shared")
    axes = cast(Shape, node.fields["axis"])
    return {"shared": tuple(axis for axis in range(1, len(node.shapes[0])) if axis not in axes)}


PRELU = Rule(
    "prelu",
    torch=Torch(
        ("PReLU",),
        ("prelu",),
        ignore=("num_parameters", "init"),
        make=Arguments(sizes={"num_parameters": Size("weight", 0)}, restore=_prelu_to_torch),
    ),
    keras=Keras(("PReLU",), make=Arguments(restore=_prelu_to_keras)),
    fields=(
        # PyTorch has no such setting and always shares everything but the channels
        Field(
            "shared",
            "shared_axes",
            Form(
                from_keras=lambda value: tuple(cast(Shape, value or ())),
                to_keras=lambda value: list(cast(Shape, value)),
            ),
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

RULES = (
    *_plain_rules,
    *(RELU, GELU, LEAKY_RELU, ELU, CELU, SOFTPLUS, HARD_TANH, SOFTMAX, LOG_SOFTMAX, PRELU),
)
