"""A convolutional network that is flattened, with square kernels and square dense layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import keras
from bench.mutants.changes import (
    flipped,
    nudged,
    rearranged,
    scaled,
    swapped,
    swapped_axes,
    through_half,
    zeroed,
)
from bench.mutants.mutant import ANYWHERE, ENDS, Architecture, Mutant, images
from keras import layers


class Net(nn.Module):
    def __init__(self, size: int = 14, width: int = 6, **other: Any) -> None:
        super().__init__()
        self.other = other
        side = (size // 2 + 1) // 2
        dilation = other.get("dilation", 1)
        self.conv1 = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.pool = nn.AvgPool2d(3, 2, padding=1, count_include_pad=other.get("count_pad", False))
        self.fc1 = nn.Linear(width * side * side, 12)
        self.fc2 = nn.Linear(12, 12)
        self.fc3 = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        if self.other.get("bgr"):
            x = x.flip(1)
        x = functional.relu(self.conv1(x))
        x = self.pool(functional.relu(self.conv2(x)))
        x = functional.leaky_relu(self.fc1(torch.flatten(x, 1)), 0.2)
        if self.other.get("dropout"):
            x = functional.dropout(x, 0.2, training=True)
        x = self.fc3(functional.elu(self.fc2(x)))
        return x if self.other.get("logits") else functional.softmax(x, dim=-1)


def keras_net(size: int = 14, width: int = 6, **other: Any) -> keras.Model:
    x = inputs = keras.Input((size, size, 3), name="image")
    if other.get("rescaling"):
        x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(x)
    if other.get("same"):
        x = layers.Conv2D(width, 3, 2, padding="same", activation="relu", name="first")(x)
    else:
        x = layers.ZeroPadding2D(1, name="margin")(x)
        x = layers.Conv2D(width, 3, 2, activation="relu", name="first")(x)
    x = layers.Conv2D(width, 3, padding="same", activation="relu", name="second")(x)
    pooling = layers.MaxPooling2D if other.get("largest") else layers.AveragePooling2D
    x = layers.Flatten(name="flat")(pooling(3, 2, padding="same", name="pooled")(x))
    x = layers.LeakyReLU(other.get("slope", 0.2), name="leaky")(layers.Dense(12, name="dense1")(x))
    x = layers.Dense(12, name="dense2")(x)
    x = layers.ELU(other.get("alpha", 1.0), name="elu")(x)
    x = layers.Dense(10, activation="softmax", name="dense3")(x)
    if other.get("softmax"):
        x = layers.Softmax(name="again")(x)
    return keras.Model(inputs, x)


MUTANTS = (
    Mutant(
        "cnn-same-stride",
        "padding 'same' on a convolution of stride 2, for padding=1",
        "keras",
        ("padding",),
        ("conv1", "first", "margin"),
        {"same": True},
    ),
    Mutant(
        "cnn-pool-divisor",
        "average pooling counts the padding",
        "torch",
        ("pooling",),
        ("pool", "pooled"),
        {"count_pad": True},
    ),
    Mutant("cnn-max-pool", "max pooling for average", "keras", ("pooling",), ("pool", "pooled"), {"largest": True}),
    Mutant(
        "cnn-leaky-slope",
        "leaky ReLU with slope 0.3 for 0.2",
        "keras",
        ("activation",),
        ("leaky", "leaky_relu", "fc1", "dense1"),
        {"slope": 0.3},
    ),
    Mutant(
        "cnn-elu-alpha",
        "ELU with alpha 0.5 for 1",
        "keras",
        ("activation",),
        ("elu", "fc2", "dense2"),
        {"alpha": 0.5},
    ),
    Mutant(
        "cnn-flatten-order",
        "rows of the dense kernel behind the flatten left in the order channels, height, width",
        "keras",
        ("flatten order",),
        ("fc1", "dense1"),
        change=rearranged("dense1/kernel", (4, 4, 6, 12), (2, 0, 1, 3)),
    ),
    Mutant(
        "cnn-dense-transposed",
        "a square dense kernel transposed",
        "keras",
        ("transposed kernel",),
        ("fc2", "dense2"),
        change=swapped_axes("dense2/kernel", 0, 1),
    ),
    Mutant(
        "cnn-conv-transposed",
        "height and width of a square kernel swapped",
        "keras",
        ("transposed kernel",),
        ("conv2", "second"),
        change=swapped_axes("second/kernel", 0, 1),
    ),
    Mutant(
        "cnn-conv-in-out",
        "inputs and outputs of a convolution of as many as it has swapped",
        "torch",
        ("transposed kernel",),
        ("conv2", "second"),
        change=swapped_axes("conv2.weight", 0, 1),
    ),
    Mutant(
        "cnn-conv-flipped",
        "a kernel for convolution used for correlation",
        "torch",
        ("flipped kernel",),
        ("conv2", "second"),
        change=flipped("conv2.weight", 2, 3),
    ),
    Mutant(
        "cnn-bgr-kernel",
        "the first kernel's input channels reversed",
        "keras",
        ("channel order",),
        ("conv1", "first", ENDS),
        change=flipped("first/kernel", 2),
    ),
    Mutant(
        "cnn-bgr-input",
        "the input's channels reversed",
        "torch",
        ("channel order",),
        ("conv1", "first", "flip", "x", "image", ENDS),
        {"bgr": True},
    ),
    Mutant(
        "cnn-no-softmax", "logits for probabilities", "torch", ("softmax",), ("fc3", "dense3", ENDS), {"logits": True}
    ),
    Mutant(
        "cnn-two-softmax",
        "a second softmax behind the first",
        "keras",
        ("softmax",),
        ("fc3", "dense3", "softmax", "again", ENDS),
        {"softmax": True},
    ),
    Mutant(
        "cnn-rescaling",
        "one network rescales its input itself",
        "keras",
        ("preprocessing",),
        ("x", "image", "rescaling", ENDS),
        {"rescaling": True},
    ),
    Mutant(
        "cnn-dilation",
        "a dilated convolution",
        "torch",
        ("setting", "padding"),
        ("conv2", "second"),
        {"dilation": 2},
    ),
    Mutant(
        "cnn-one-number",
        "one number of a kernel changed",
        "torch",
        ("other weights",),
        ("fc3", "dense3"),
        change=nudged("fc3.weight"),
    ),
    Mutant(
        "cnn-no-bias",
        "a bias that nobody copied",
        "keras",
        ("missing weights",),
        ("conv2", "second"),
        change=zeroed("second/bias"),
    ),
    Mutant(
        "cnn-float16",
        "all weights rounded to float16",
        "keras",
        ("rounded weights",),
        (ANYWHERE,),
        change=through_half(),
    ),
    Mutant(
        "cnn-scaled", "a kernel times 1.001", "torch", ("scale",), ("fc1", "dense1"), change=scaled("fc1.weight", 1.001)
    ),
    Mutant(
        "cnn-swapped-biases",
        "the biases of two dense layers swapped",
        "keras",
        ("swapped weights",),
        ("fc1", "fc2", "dense1", "dense2"),
        change=swapped(("dense1/bias", "dense2/bias")),
    ),
    Mutant(
        "cnn-dropout",
        "dropout left on",
        "torch",
        ("dropout",),
        ("dropout", "fc1", "dense1", "fc2", "dense2"),
        {"dropout": True},
    ),
)
CNN = Architecture("CNN", Net, keras_net, images, ({"size": 14}, {"size": 18, "width": 5}), MUTANTS)
