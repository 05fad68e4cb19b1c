"""A residual network of bottlenecks with batch norms."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

import keras
from bench.mutants.changes import (
    flipped,
    fresh_statistics,
    nudged,
    rooted,
    scaled,
    swapped,
    swapped_axes,
    through_half,
    zeroed,
)
from bench.mutants.mutant import ENDS, Architecture, Mutant, images
from bench.mutants.stubborn import StubbornNorm
from keras import layers


class Bottleneck(nn.Module):
    def __init__(self, width: int, inner: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = (
            None
            if (width, stride) == (out, 1)
            else nn.Sequential(nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class Net(nn.Module):
    def __init__(self, size: int = 17, width: int = 8, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.conv1 = nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(Bottleneck(width, 4, width), Bottleneck(width, 4, width))
        self.layer2 = nn.Sequential(Bottleneck(width, 6, 2 * width, 2), Bottleneck(2 * width, 6, 2 * width))
        self.fc = nn.Linear(2 * width, 7)

    def forward(self, x: Tensor) -> Tensor:
        if self.other.get("bgr"):
            x = x[:, [2, 1, 0]]
        x = self.conv1(x)
        bn = self.bn1
        if self.other.get("batch"):
            x = functional.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, training=True, eps=bn.eps)
        else:
            x = bn(x)
        x = self.maxpool(x if self.other.get("linear") else functional.relu(x))
        x = self.layer2(self.layer1(x))
        x = x.amax((2, 3)) if self.other.get("largest") else x.mean((2, 3))
        return self.fc(x)


def keras_net(size: int = 17, width: int = 8, **other: Any) -> keras.Model:
    def norm(name: str, x: Any) -> Any:
        wrong = other.get("eps") in (name, "all")
        kind = StubbornNorm if other.get("training") == name else layers.BatchNormalization
        layer = kind(epsilon=1e-3 if wrong else 1e-5, momentum=0.99 if other.get("momentum") else 0.9, name=name)
        return layer(x)

    def block(name: str, x: Any, inner: int, out: int, stride: int = 1) -> Any:
        early = stride if other.get("early") else 1
        side = x
        if (x.shape[-1], stride) != (out, 1):
            side = norm(f"{name}_bn0", layers.Conv2D(out, 1, stride, use_bias=False, name=f"{name}_conv0")(x))
        y = norm(f"{name}_bn1", layers.Conv2D(inner, 1, early, use_bias=False, name=f"{name}_conv1")(x))
        y = layers.ReLU(name=f"{name}_relu1")(y)
        y = layers.ZeroPadding2D(1, name=f"{name}_pad")(y)
        y = layers.Conv2D(inner, 3, stride // early, use_bias=False, name=f"{name}_conv2")(y)
        y = layers.ReLU(name=f"{name}_relu2")(norm(f"{name}_bn2", y))
        y = norm(f"{name}_bn3", layers.Conv2D(out, 1, use_bias=False, name=f"{name}_conv3")(y))
        if other.get("alone") == name:
            return layers.ReLU(name=f"{name}_relu3")(y)
        if other.get("before") == name:
            return layers.Add(name=f"{name}_add")([layers.ReLU(name=f"{name}_relu3")(y), side])
        return layers.ReLU(name=f"{name}_relu3")(layers.Add(name=f"{name}_add")([y, side]))

    inputs = keras.Input((size, size, 3), name="image")
    x = layers.ZeroPadding2D(1, name="stem_pad")(inputs)
    x = norm("stem_bn", layers.Conv2D(width, 3, 2, use_bias=False, name="stem_conv")(x))
    x = layers.ReLU(name="stem_relu")(x)
    if not other.get("pool_same"):
        x = layers.ZeroPadding2D(1, name="pool_pad")(x)
    x = layers.MaxPooling2D(3, 2, padding="same" if other.get("pool_same") else "valid", name="pool")(x)
    x = block("a1", x, 4, width)
    x = block("a2", x, 4, width)
    x = block("b1", x, 6, 2 * width, 2)
    x = block("b2", x, 6, 2 * width)
    return keras.Model(inputs, layers.Dense(7, name="head")(layers.GlobalAveragePooling2D(name="mean")(x)))


NORMS = ("stem_bn", "b1_bn0", *(f"{block}_bn{place}" for block in ("a1", "a2", "b1", "b2") for place in (1, 2, 3)))
FIRST_NORM = ("bn1", "stem_bn")
MUTANTS = (
    Mutant("resnet-eps", "eps 1e-3 in every batch norm", "keras", ("eps",), FIRST_NORM, {"eps": "all"}),
    Mutant(
        "resnet-one-eps", "eps 1e-3 in one batch norm", "keras", ("eps",), ("layer2.0.bn2", "b1_bn2"), {"eps": "b1_bn2"}
    ),
    Mutant(
        "resnet-mean-variance",
        "mean and variance of a batch norm swapped",
        "keras",
        ("statistics", "swapped weights"),
        ("layer1.1.bn2", "a2_bn2"),
        change=swapped(("a2_bn2/moving_mean", "a2_bn2/moving_variance")),
    ),
    Mutant(
        "resnet-gamma-beta",
        "scale and shift of a batch norm swapped",
        "torch",
        ("swapped weights",),
        ("layer1.0.bn3", "a1_bn3"),
        change=swapped(("layer1.0.bn3.weight", "layer1.0.bn3.bias")),
    ),
    Mutant(
        "resnet-fresh-statistics",
        "statistics of a batch norm that nobody copied",
        "keras",
        ("statistics",),
        ("layer1.0.bn2", "a1_bn2"),
        change=fresh_statistics("a1_bn2"),
    ),
    Mutant(
        "resnet-no-statistics",
        "no statistics copied at all",
        "keras",
        ("statistics",),
        FIRST_NORM,
        change=fresh_statistics(*NORMS),
    ),
    Mutant(
        "resnet-deviation",
        "standard deviations where a batch norm has variances",
        "torch",
        ("statistics", "other weights"),
        ("layer2.1.bn1", "b2_bn1"),
        change=rooted("layer2.1.bn1.running_var"),
    ),
    Mutant(
        "resnet-momentum",
        "statistics that move by a hundredth for a tenth",
        "keras",
        ("momentum",),
        FIRST_NORM,
        {"momentum": True},
        steps=3,
    ),
    Mutant(
        "resnet-torch-training",
        "a batch norm that uses the batch's statistics",
        "torch",
        ("training mode",),
        ("bn1", "stem_bn", "batch_norm", "conv1", "stem_conv"),
        {"batch": True},
    ),
    Mutant(
        "resnet-keras-training",
        "a batch norm that is in training mode whatever it is told",
        "keras",
        ("training mode",),
        ("layer2.0.bn1", "b1_bn1"),
        {"training": "b1_bn1"},
    ),
    Mutant(
        "resnet-stride",
        "the stride in the 1 x 1 convolution for the 3 x 3",
        "keras",
        ("stride",),
        ("layer2.0.conv1", "layer2.0.conv2", "b1_conv1", "b1_conv2"),
        {"early": True},
    ),
    Mutant(
        "resnet-no-residual",
        "a residual that is not added",
        "keras",
        ("wiring",),
        ("layer1.1.add_1", "layer1.1.bn3", "a2_add", "a2_bn3", "a2_relu3"),
        {"alone": "a2"},
    ),
    Mutant(
        "resnet-relu-before-add",
        "ReLU before the residual is added",
        "keras",
        ("activation", "wiring"),
        ("layer2.1.add_3", "layer2.1.bn3", "layer2.1.relu_11", "layer2.1.relu_12", "b2_add", "b2_bn3", "b2_relu3"),
        {"before": "b2"},
    ),
    Mutant(
        "resnet-swapped-blocks",
        "the convolutions of two equal blocks swapped",
        "keras",
        ("swapped weights",),
        ("layer1.0.conv2", "layer1.1.conv2", "a1_conv2", "a2_conv2"),
        change=swapped(("a1_conv2/kernel", "a2_conv2/kernel")),
    ),
    Mutant(
        "resnet-bgr",
        "the input's channels reversed",
        "torch",
        ("channel order",),
        ("conv1", "stem_conv", "index", "x", "image", ENDS),
        {"bgr": True},
    ),
    Mutant(
        "resnet-no-shift",
        "the shift of a side path's batch norm zero",
        "torch",
        ("missing weights",),
        ("layer2.0.downsample.1", "b1_bn0"),
        change=zeroed("layer2.0.downsample.1.bias"),
    ),
    Mutant(
        "resnet-global-max",
        "global max pooling for average",
        "torch",
        ("pooling",),
        ("mean", "amax", "fc", "head"),
        {"largest": True},
    ),
    Mutant(
        "resnet-pool-same",
        "padding 'same' in the max pooling, for padding=1",
        "keras",
        ("padding",),
        ("maxpool", "pool", "pool_pad"),
        {"pool_same": True},
    ),
    Mutant(
        "resnet-flipped",
        "a kernel flipped",
        "keras",
        ("flipped kernel",),
        ("layer2.1.conv2", "b2_conv2"),
        change=flipped("b2_conv2/kernel", 0, 1),
    ),
    Mutant(
        "resnet-transposed",
        "height and width of a kernel swapped",
        "torch",
        ("transposed kernel",),
        ("layer1.1.conv2", "a2_conv2"),
        change=swapped_axes("layer1.1.conv2.weight", 2, 3),
    ),
    Mutant(
        "resnet-no-relu",
        "the first ReLU forgotten",
        "torch",
        ("activation",),
        ("bn1", "stem_bn", "stem_relu"),
        {"linear": True},
    ),
    Mutant(
        "resnet-one-number",
        "one number of a kernel changed by a thousandth",
        "keras",
        ("other weights",),
        ("layer2.0.conv3", "b1_conv3"),
        change=nudged("b1_conv3/kernel", 1e-3),
    ),
    Mutant(
        "resnet-scaled",
        "a batch norm's scale times 1.001",
        "torch",
        ("scale",),
        ("layer2.0.bn3", "b1_bn3"),
        change=scaled("layer2.0.bn3.weight", 1.001),
    ),
    Mutant(
        "resnet-float16",
        "one kernel rounded to float16",
        "keras",
        ("rounded weights",),
        ("layer1.0.conv1", "a1_conv1"),
        change=through_half("a1_conv1/kernel"),
    ),
)
RESNET = Architecture("ResNet", Net, keras_net, images, ({"size": 16}, {"size": 23, "width": 6}), MUTANTS)
