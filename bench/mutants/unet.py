"""A U-Net: pooled on the way down; on the way up a bilinear resize once and a transposed convolution once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import keras
from bench.mutants.changes import flipped, nudged, scaled, swapped_axes, zeroed
from bench.mutants.mutant import ENDS, Architecture, Mutant, images
from keras import layers


class Net(nn.Module):
    def __init__(self, size: int = 12, width: int = 4, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.down1 = nn.Conv2d(3, width, 3, padding=1, padding_mode=other.get("mode", "zeros"))
        self.norm1 = nn.GroupNorm(2, width, eps=1e-5)
        self.down2 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.norm2 = nn.GroupNorm(other.get("groups", 2), 2 * width, eps=1e-5)
        self.middle = nn.Conv2d(2 * width, 2 * width, 3, padding=1)
        self.up1 = nn.Conv2d(4 * width, width, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(width, width, 2, stride=2)
        self.last = nn.Conv2d(2 * width, width, 3, padding=1)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        one = functional.relu(self.norm1(self.down1(x)))
        two = functional.relu(self.norm2(self.down2(functional.max_pool2d(one, 2))))
        x = functional.relu(self.middle(functional.avg_pool2d(two, 2)))
        corners = bool(self.other.get("corners"))
        x = functional.interpolate(
            x, scale_factor=2, mode=self.other.get("resize", "bilinear"), **self._aligned(corners)
        )
        x = functional.relu(self.up1(torch.cat([x, two], 1)))
        x = self.up2(x)
        x = torch.cat([one, x] if self.other.get("reverse") else [x, one], 1)
        x = self.head(functional.leaky_relu(self.last(x), self.other.get("slope", 0.1)))
        return x if self.other.get("logits") else torch.sigmoid(x)

    def _aligned(self, corners: bool) -> dict[str, bool]:
        return {} if self.other.get("resize") == "nearest" else {"align_corners": corners}


def keras_net(size: int = 12, width: int = 4, **other: Any) -> keras.Model:
    def conv(name: str, out: int) -> Any:
        return layers.Conv2D(out, 3, padding="same", name=name)

    inputs = keras.Input((size, size, 3), name="image")
    x = layers.GroupNormalization(2, epsilon=other.get("eps", 1e-5), name="enc1_norm")(conv("enc1", width)(inputs))
    one = layers.ReLU(name="enc1_relu")(x)
    x = layers.MaxPooling2D(2, name="pool1")(x if other.get("skip") == "pool" else one)
    x = layers.GroupNormalization(2, epsilon=1e-5, name="enc2_norm")(conv("enc2", 2 * width)(x))
    two = layers.ReLU(name="enc2_relu")(x)
    pooling = layers.MaxPooling2D if other.get("largest") else layers.AveragePooling2D
    y = layers.ReLU(name="mid_relu")(conv("mid", 2 * width)(pooling(2, name="pool2")(two)))
    y = layers.UpSampling2D(2, interpolation=other.get("resize", "bilinear"), name="resize")(y)
    y = layers.Concatenate(name="join1")([y, x if other.get("skip") else two])
    y = layers.ReLU(name="dec1_relu")(conv("dec1", width)(y))
    y = layers.Conv2DTranspose(width, 2, 2, name="wider")(y)
    y = layers.Concatenate(name="join2")([y, one])
    y = layers.LeakyReLU(0.1, name="dec2_relu")(conv("dec2", width)(y))
    return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(y))


RESIZE = (
    "upsample_bilinear2d",
    "upsample_nearest2d",
    "upsample_bicubic2d",
    "resize",
    "mid",
    "middle",
    "dec1",
    "up1",
)
MUTANTS = (
    Mutant("unet-nearest", "nearest for bilinear", "keras", ("interpolation",), RESIZE, {"resize": "nearest"}),
    Mutant("unet-nearest-torch", "nearest for bilinear", "torch", ("interpolation",), RESIZE, {"resize": "nearest"}),
    Mutant("unet-corners", "align_corners=True", "torch", ("interpolation",), RESIZE, {"corners": True}),
    Mutant("unet-bicubic", "bicubic for bilinear", "torch", ("interpolation",), RESIZE, {"resize": "bicubic"}),
    Mutant(
        "unet-concat-order",
        "what is joined in the other order",
        "torch",
        ("wiring", "channel order"),
        ("cat_1", "join2", "last", "dec2"),
        {"reverse": True},
    ),
    Mutant(
        "unet-flipped",
        "a transposed convolution's kernel flipped",
        "keras",
        ("flipped kernel",),
        ("up2", "wider"),
        change=flipped("wider/kernel", 0, 1),
    ),
    Mutant(
        "unet-in-out",
        "inputs and outputs of a transposed convolution swapped",
        "keras",
        ("transposed kernel",),
        ("up2", "wider"),
        change=swapped_axes("wider/kernel", 2, 3),
    ),
    Mutant(
        "unet-max-pool",
        "max pooling for average",
        "keras",
        ("pooling",),
        ("avg_pool2d", "pool2", "middle", "mid"),
        {"largest": True},
    ),
    Mutant(
        "unet-skip",
        "the skip taken before its ReLU",
        "keras",
        ("wiring", "activation"),
        ("norm2", "enc2_norm", "enc2_relu", "cat", "join1", "relu_1", "up1", "dec1"),
        {"skip": "relu"},
    ),
    Mutant(
        "unet-no-sigmoid",
        "logits for probabilities",
        "torch",
        ("activation", "softmax"),
        ("head", "mask", "sigmoid", ENDS),
        {"logits": True},
    ),
    Mutant(
        "unet-slope",
        "leaky ReLU with slope 0.01 for 0.1",
        "torch",
        ("activation",),
        ("last", "dec2", "leaky_relu", "dec2_relu"),
        {"slope": 0.01},
    ),
    Mutant(
        "unet-groups",
        "four groups for two in a group norm",
        "torch",
        ("setting",),
        ("norm2", "enc2_norm"),
        {"groups": 4},
    ),
    Mutant("unet-eps", "eps 1e-3 in a group norm", "keras", ("eps",), ("norm1", "enc1_norm"), {"eps": 1e-3}),
    Mutant(
        "unet-reflect",
        "a border that reflects for one of zeros",
        "torch",
        ("padding",),
        ("down1", "enc1"),
        {"mode": "reflect"},
    ),
    Mutant(
        "unet-no-bias",
        "a bias that nobody copied",
        "torch",
        ("missing weights",),
        ("middle", "mid"),
        change=zeroed("middle.bias"),
    ),
    Mutant(
        "unet-scaled", "a kernel times 1.001", "keras", ("scale",), ("up1", "dec1"), change=scaled("dec1/kernel", 1.001)
    ),
    Mutant(
        "unet-one-number",
        "one number of a bias changed",
        "torch",
        ("other weights",),
        ("last", "dec2"),
        change=nudged("last.bias", 0.01),
    ),
    Mutant(
        "unet-transposed",
        "height and width of a square kernel swapped",
        "keras",
        ("transposed kernel",),
        ("middle", "mid"),
        change=swapped_axes("mid/kernel", 0, 1),
    ),
)
UNET = Architecture("U-Net", Net, keras_net, images, ({"size": 12}, {"size": 20, "width": 6}), MUTANTS)
