"""ConvNeXt: depthwise convolutions, layer norms, GELU, a layer scale; its input normalised in the network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import keras
from bench.mutants.changes import filled, flipped, scaled, swapped, swapped_axes, zeroed
from bench.mutants.mutant import ENDS, Architecture, Mutant, images
from keras import layers


class Block(nn.Module):
    def __init__(self, width: int, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.dwconv = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        if self.other.get("aside"):
            y = functional.conv2d(
                functional.pad(x, (1, 3, 1, 3)), self.dwconv.weight, self.dwconv.bias, groups=x.shape[1]
            )
        else:
            y = self.dwconv(x)
        y = self.norm(y.permute(0, 2, 3, 1))
        y = self.pwconv1(y)
        y = functional.silu(y) if self.other.get("silu") else functional.gelu(y)
        y = self.pwconv2(y)
        if not self.other.get("unscaled"):
            y = self.gamma * y
        return x + y.permute(0, 3, 1, 2)


class Net(nn.Module):
    def __init__(self, size: int = 16, width: int = 6, **other: Any) -> None:
        super().__init__()
        self.other = other
        self.stem = nn.Conv2d(3, width, 4, stride=4)
        self.stem_norm = nn.LayerNorm(width, eps=1e-6)
        self.blocks = nn.Sequential(
            Block(width, **(other if "silu" in other else {})),
            Block(width, **{k: v for k, v in other.items() if k != "silu"}),
        )
        self.norm = nn.LayerNorm(width, eps=other.get("eps", 1e-6))
        self.head = nn.Linear(width, 9)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        x = self.blocks(self.stem_norm(x).permute(0, 3, 1, 2))
        if self.other.get("norm_first"):
            return self.head(self.norm(x.permute(0, 2, 3, 1)).mean((1, 2)))
        return self.head(self.norm(x.mean((2, 3))))


class LayerScale(layers.Layer):
    """A factor for every channel."""

    def build(self, shape: Any) -> None:
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")

    def call(self, x: Any) -> Any:
        return x * self.gamma


def tanh_gelu(x: Any) -> Any:
    """GELU as it was approximated once."""
    return keras.activations.gelu(x, approximate=True)


def keras_net(size: int = 16, width: int = 6, **other: Any) -> keras.Model:
    eps = other.get("eps", 1e-6)

    def block(name: str, x: Any) -> Any:
        approximate = other.get("tanh") == name
        y = layers.DepthwiseConv2D(5, padding="same", name=f"{name}_depthwise")(x)
        y = layers.LayerNormalization(epsilon=eps, name=f"{name}_norm")(y)
        y = layers.Dense(4 * width, name=f"{name}_up")(y)
        y = layers.Activation(tanh_gelu if approximate else keras.activations.gelu, name=f"{name}_gelu")(y)
        y = layers.Dense(width, name=f"{name}_down")(y)
        y = LayerScale(name=f"{name}_scale")(y)
        return y if other.get("alone") == name else layers.Add(name=f"{name}_add")([x, y])

    x = inputs = keras.Input((size, size, 3), name="image")
    if other.get("normalised"):
        x = layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.05, 0.05, 0.05], name="prepare")(x)
    x = layers.Conv2D(width, 4, 4, name="stem")(x)
    x = layers.LayerNormalization(epsilon=eps, name="stem_norm")(x)
    x = block("two", block("one", x))
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.LayerNormalization(epsilon=eps, name="norm")(x)
    return keras.Model(inputs, layers.Dense(9, name="head")(x))


MUTANTS = (
    Mutant("convnext-eps", "eps 1e-5 in one layer norm, for 1e-6", "torch", ("eps",), ("norm",), {"eps": 1e-5}),
    Mutant("convnext-all-eps", "eps 1e-3 in every layer norm", "keras", ("eps",), ("stem_norm",), {"eps": 1e-3}),
    Mutant(
        "convnext-tanh-gelu",
        "GELU by tanh for the exact one",
        "keras",
        ("activation",),
        ("blocks.0.gelu", "blocks.0.pwconv1", "one_gelu", "one_up"),
        {"tanh": "one"},
    ),
    Mutant(
        "convnext-silu",
        "SiLU for GELU",
        "torch",
        ("activation",),
        ("blocks.0.silu", "blocks.0.pwconv1", "one_gelu", "one_up"),
        {"silu": True},
    ),
    Mutant(
        "convnext-no-scale",
        "a layer scale that is not used",
        "torch",
        ("missing weights", "wiring"),
        ("blocks.1.gamma", "blocks.1.mul_1", "blocks.1.pwconv2", "two_scale", "two_down", "two_add"),
        {"unscaled": True},
    ),
    Mutant(
        "convnext-fresh-scale",
        "a layer scale that nobody copied",
        "keras",
        ("missing weights", "other weights"),
        ("blocks.0.gamma", "blocks.0.mul", "one_scale"),
        change=filled(1e-6, "one_scale/gamma"),
    ),
    Mutant(
        "convnext-transposed",
        "height and width of a depthwise kernel swapped",
        "keras",
        ("transposed kernel",),
        ("blocks.0.dwconv", "one_depthwise"),
        change=swapped_axes("one_depthwise/kernel", 0, 1),
    ),
    Mutant(
        "convnext-flipped",
        "a depthwise kernel flipped",
        "torch",
        ("flipped kernel",),
        ("blocks.1.dwconv", "two_depthwise"),
        change=flipped("blocks.1.dwconv.weight", 2, 3),
    ),
    Mutant(
        "convnext-padding",
        "a depthwise convolution padded by 1 and 3 for 2 and 2",
        "torch",
        ("padding",),
        ("blocks.1.dwconv", "blocks.1.conv2d_2", "two_depthwise"),
        {"aside": True},
    ),
    Mutant(
        "convnext-gamma-beta",
        "scale and shift of a layer norm swapped",
        "keras",
        ("swapped weights",),
        ("blocks.1.norm", "two_norm"),
        change=swapped(("two_norm/gamma", "two_norm/beta")),
    ),
    Mutant(
        "convnext-no-residual",
        "a residual that is not added",
        "keras",
        ("wiring",),
        ("blocks.0.add", "blocks.0.gamma", "blocks.0.mul", "blocks.0.pwconv2", "one_add", "one_scale", "one_down"),
        {"alone": "one"},
    ),
    Mutant(
        "convnext-norm-first",
        "the last layer norm before the mean",
        "torch",
        ("wiring",),
        ("norm", "mean"),
        {"norm_first": True},
    ),
    Mutant(
        "convnext-swapped-blocks",
        "two equal blocks swapped",
        "torch",
        ("swapped weights",),
        (
            "blocks.0.pwconv1",
            "blocks.1.pwconv1",
            "one_up",
            "two_up",
            "blocks.0.pwconv2",
            "blocks.1.pwconv2",
            "one_down",
            "two_down",
        ),
        change=swapped(
            *((f"blocks.0.pwconv{n}.{s}", f"blocks.1.pwconv{n}.{s}") for n in (1, 2) for s in ("weight", "bias"))
        ),
    ),
    Mutant(
        "convnext-scaled-gamma",
        "a layer scale times 1.001",
        "keras",
        ("scale",),
        ("blocks.1.gamma", "blocks.1.mul_1", "two_scale"),
        change=scaled("two_scale/gamma", 1.001),
    ),
    Mutant(
        "convnext-normalised",
        "one network normalises its input itself",
        "keras",
        ("preprocessing",),
        ("x", "image", "prepare", ENDS),
        {"normalised": True},
    ),
    Mutant(
        "convnext-no-bias",
        "the bias of a dense layer zero",
        "torch",
        ("missing weights",),
        ("head",),
        change=zeroed("head.bias"),
    ),
)
CONVNEXT = Architecture("ConvNeXt", Net, keras_net, images, ({"size": 16}, {"size": 20, "width": 8}), MUTANTS)
