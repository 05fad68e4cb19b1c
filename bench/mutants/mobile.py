"""MobileNet: inverted residuals with depthwise convolutions, ReLU6 and hard swish; a squeeze; maybe rescaled pixels."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

import keras
from bench.mutants.changes import filled, flipped, rolled, swapped, swapped_axes, through_half
from bench.mutants.mutant import ENDS, Architecture, Mutant, images
from bench.mutants.stubborn import StubbornDropout, StubbornNorm
from keras import layers


class Inverted(nn.Module):
    def __init__(self, width: int, out: int, stride: int, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.expand = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(3 * width, eps=1e-3)
        self.depthwise = nn.Conv2d(3 * width, 3 * width, 3, stride, padding=1, groups=3 * width, bias=False)
        self.bn2 = nn.BatchNorm2d(3 * width, eps=1e-3)
        self.reduce = nn.Conv2d(3 * width, 4, 1)
        self.excite = nn.Conv2d(4, 3 * width, 1)
        self.project = nn.Conv2d(3 * width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out, eps=1e-3)
        self.act = nn.ReLU() if other.get("unbounded") else nn.ReLU6()
        self.residual = stride == 1 and width == out and not other.get("alone")

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.bn1(self.expand(x)))
        y = self.depthwise(y)
        y = functional.silu(self.bn2(y)) if self.other.get("swish") else functional.hardswish(self.bn2(y))
        gate = self.excite(functional.relu(self.reduce(functional.adaptive_avg_pool2d(y, 1))))
        y = y * (functional.sigmoid(gate) if self.other.get("sigmoid") else functional.hardsigmoid(gate))
        y = self.bn3(self.project(y))
        return x + y if self.residual else y


class Net(nn.Module):
    def __init__(self, size: int = 16, width: int = 4, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.stem = nn.Conv2d(3, width, 3, 2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=1e-3)
        self.blocks = nn.Sequential(
            Inverted(width, width, 1, **other), Inverted(width, width, 1), Inverted(width, 2 * width, 2)
        )
        self.classifier = nn.Linear(2 * width, 6)

    def forward(self, x: Tensor) -> Tensor:
        if self.other.get("rescaled"):
            x = x * 0.5 - 0.25
        x = functional.relu6(self.bn(self.stem(x)))
        x = functional.adaptive_avg_pool2d(self.blocks(x), 1).flatten(1)
        if self.other.get("dropout"):
            x = functional.dropout(x, 0.2, training=True)
        return self.classifier(x)


def keras_net(size: int = 16, width: int = 4, **other: Any) -> keras.Model:
    def norm(name: str, x: Any) -> Any:
        kind = StubbornNorm if other.get("training") == name else layers.BatchNormalization
        layer = kind(
            epsilon=1e-5 if other.get("eps") in (name, "all") else 1e-3,
            momentum=0.99 if other.get("momentum") == name else 0.9,
            name=name,
        )
        return layer(x)

    def block(name: str, x: Any, out: int, stride: int = 1) -> Any:
        wide = 3 * width
        y = norm(f"{name}_bn1", layers.Conv2D(wide, 1, use_bias=False, name=f"{name}_expand")(x))
        y = layers.ReLU(6.0, name=f"{name}_relu6")(y)
        same = stride == 1 or other.get("same")
        if not same:
            y = layers.ZeroPadding2D(1, name=f"{name}_pad")(y)
        y = layers.DepthwiseConv2D(3, stride, "same" if same else "valid", use_bias=False, name=f"{name}_depthwise")(y)
        y = layers.Activation("hard_swish", name=f"{name}_swish")(norm(f"{name}_bn2", y))
        gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(y)
        gate = layers.Conv2D(4, 1, activation="relu", name=f"{name}_reduce")(gate)
        gate = layers.Conv2D(wide, 1, activation="hard_sigmoid", name=f"{name}_excite")(gate)
        y = layers.Multiply(name=f"{name}_gate")([y, gate])
        y = norm(f"{name}_bn3", layers.Conv2D(out, 1, use_bias=False, name=f"{name}_project")(y))
        return layers.Add(name=f"{name}_add")([x, y]) if (stride, out) == (1, width) else y

    x = inputs = keras.Input((size, size, 3), name="image")
    if other.get("rescaled"):
        x = layers.Rescaling(0.5, offset=-0.25, name="rescaling")(inputs)
    x = layers.Conv2D(width, 3, 2, use_bias=False, name="conv")(layers.ZeroPadding2D(1, name="pad")(x))
    x = layers.Activation("relu6", name="relu6")(norm("conv_bn", x))
    x = block("c", block("b", block("a", x, width), width), 2 * width, 2)
    x = (layers.GlobalMaxPooling2D if other.get("largest") else layers.GlobalAveragePooling2D)(name="pool")(x)
    x = (StubbornDropout if other.get("dropout") else layers.Dropout)(0.3, name="drop")(x)
    return keras.Model(inputs, layers.Dense(6, name="predictions")(x))


BLOCK_A = ("blocks.0.expand", "blocks.0.bn1", "blocks.0.act", "a_expand", "a_bn1", "a_relu6")
MUTANTS = (
    Mutant("mobile-relu6", "ReLU for ReLU6", "torch", ("activation",), BLOCK_A, {"unbounded": True}),
    Mutant(
        "mobile-swish",
        "swish for hard swish",
        "torch",
        ("activation",),
        ("blocks.0.bn2", "blocks.0.silu", "a_bn2", "a_swish"),
        {"swish": True},
    ),
    Mutant(
        "mobile-sigmoid",
        "sigmoid for hard sigmoid in a squeeze",
        "torch",
        ("activation",),
        ("blocks.0.excite", "blocks.0.sigmoid", "a_excite"),
        {"sigmoid": True},
    ),
    Mutant(
        "mobile-same",
        "padding 'same' on a depthwise convolution of stride 2",
        "keras",
        ("padding",),
        ("blocks.2.depthwise", "c_depthwise", "c_pad"),
        {"same": True},
    ),
    Mutant("mobile-eps", "eps 1e-5 in every batch norm", "keras", ("eps",), ("bn", "conv_bn"), {"eps": "all"}),
    Mutant(
        "mobile-one-eps", "eps 1e-5 in one batch norm", "keras", ("eps",), ("blocks.1.bn3", "b_bn3"), {"eps": "b_bn3"}
    ),
    Mutant(
        "mobile-rescaled",
        "one network rescales its input itself, in arithmetic",
        "torch",
        ("preprocessing",),
        ("x", "image", "mul", "sub", "stem", "conv", ENDS),
        {"rescaled": True},
    ),
    Mutant(
        "mobile-bgr",
        "the first kernel's input channels reversed",
        "torch",
        ("channel order",),
        ("stem", "conv", ENDS),
        change=flipped("stem.weight", 1),
    ),
    Mutant(
        "mobile-training",
        "a batch norm that is in training mode whatever it is told",
        "keras",
        ("training mode",),
        ("blocks.0.bn2", "a_bn2"),
        {"training": "a_bn2"},
    ),
    Mutant(
        "mobile-momentum",
        "statistics of one batch norm that move more slowly",
        "keras",
        ("momentum",),
        ("blocks.1.bn1", "b_bn1"),
        {"momentum": "b_bn1"},
        steps=3,
    ),
    Mutant(
        "mobile-transposed",
        "height and width of a depthwise kernel swapped",
        "torch",
        ("transposed kernel",),
        ("blocks.1.depthwise", "b_depthwise"),
        change=swapped_axes("blocks.1.depthwise.weight", 2, 3),
    ),
    Mutant(
        "mobile-swapped-blocks",
        "the depthwise kernels of two equal blocks swapped",
        "keras",
        ("swapped weights",),
        ("blocks.0.depthwise", "blocks.1.depthwise", "a_depthwise", "b_depthwise"),
        change=swapped(("a_depthwise/kernel", "b_depthwise/kernel")),
    ),
    Mutant(
        "mobile-max",
        "global max pooling for average",
        "keras",
        ("pooling",),
        ("flatten", "pool", "classifier", "predictions"),
        {"largest": True},
    ),
    Mutant(
        "mobile-dropout-torch",
        "dropout left on",
        "torch",
        ("dropout",),
        ("dropout", "classifier", "predictions", "drop"),
        {"dropout": True},
    ),
    Mutant(
        "mobile-dropout-keras",
        "a dropout that drops whatever it is told",
        "keras",
        ("dropout",),
        ("drop", "classifier", "predictions"),
        {"dropout": True},
    ),
    Mutant(
        "mobile-no-residual",
        "a residual that is not added",
        "torch",
        ("wiring",),
        ("blocks.0.bn3", "blocks.0.add", "a_bn3", "a_add", "blocks.1.expand", "b_expand"),
        {"alone": True},
    ),
    Mutant(
        "mobile-statistics",
        "variances of a batch norm that nobody copied",
        "keras",
        ("statistics",),
        ("blocks.2.bn2", "c_bn2"),
        change=filled(1, "c_bn2/moving_variance"),
    ),
    Mutant(
        "mobile-swapped-statistics",
        "mean and shift of a batch norm swapped",
        "torch",
        ("statistics", "swapped weights"),
        ("blocks.2.bn3", "c_bn3"),
        change=swapped(("blocks.2.bn3.running_mean", "blocks.2.bn3.bias")),
    ),
    Mutant(
        "mobile-depthwise-order",
        "a depthwise kernel's channels one further",
        "keras",
        ("channel order", "other weights"),
        ("blocks.2.depthwise", "c_depthwise"),
        change=rolled("c_depthwise/kernel", 1, 2),
    ),
    Mutant(
        "mobile-float16",
        "a kernel rounded to float16",
        "torch",
        ("rounded weights",),
        ("blocks.0.project", "a_project"),
        change=through_half("blocks.0.project.weight"),
    ),
)
MOBILE = Architecture(
    "MobileNet",
    Net,
    keras_net,
    images,
    ({"size": 16}, {"size": 22, "width": 6, "rescaled": True}),
    MUTANTS,
    gain=3,  # or nothing would reach the six of ReLU6
)
