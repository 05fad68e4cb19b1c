"""Activations, with settings that are not the defaults."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from placed import Behind, One, behind, drawn, plain
from torch import nn
from torch.nn import functional
from translated import ROUNDING, apart, translated

from homolog.errors import Unsupported

ACTIVATIONS: dict[str, Callable] = {
    **{
        name: getattr(functional, name)
        for name in (
            *("relu", "relu6", "silu", "selu", "softsign", "logsigmoid", "hardsigmoid", "hardswish", "tanhshrink"),
            *("mish", "gelu", "elu", "celu", "softplus", "softshrink", "hardshrink", "hardtanh", "leaky_relu"),
        )
    },
    "gelu by tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "elu": lambda x: functional.elu(x, 0.3),
    "elu with scales": lambda x: torch.ops.aten.elu(x, 0.3, 1.5, 0.75),
    "elu with a scale": lambda x: torch.ops.aten.elu(x, 0.3, 1.5),
    "celu": lambda x: functional.celu(x, 0.3),
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "softplus steep": lambda x: functional.softplus(x, beta=3),
    "softplus with a near threshold": lambda x: functional.softplus(x, beta=2, threshold=0.5),
    "softshrink": lambda x: functional.softshrink(x, 0.2),
    "hardshrink": lambda x: functional.hardshrink(x, 0.2),
    "hardtanh": lambda x: functional.hardtanh(x, -0.25, 0.75),
    "threshold": lambda x: functional.threshold(x, 0.25, -3.0),
    "rrelu": lambda x: functional.rrelu(x, 0.1, 0.5),
    "logit": lambda x: torch.logit(x, eps=0.125),
    "softmin": lambda x: functional.softmin(x, 1),
    "in place": lambda x: functional.elu(x + 1, 0.5, inplace=True),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    plain(ACTIVATIONS[name])
    behind(ACTIVATIONS[name])


@pytest.mark.parametrize("dim", [1, 2, -1])
def test_glu(dim: int) -> None:
    plain(lambda x: functional.glu(x, dim), shape=(2, 4, 6))
    behind(lambda x: functional.glu(x, dim))


@pytest.mark.parametrize("count", [1, 4])
def test_prelu_behind_a_convolution(count: int) -> None:
    slopes = nn.PReLU(count)
    with torch.no_grad():
        slopes.weight.copy_(torch.linspace(0.1, 0.5, count))
    module = Behind(lambda x: x)
    module.function = slopes
    assert apart(module, drawn((2, 3, 7, 9))) <= 4 * ROUNDING
    assert "layers.PReLU(shared_axes=[1, 2" in translated(module, drawn((2, 3, 7, 9))).source


@pytest.mark.parametrize("count", [1, 5])
def test_prelu(count: int) -> None:
    slopes = nn.PReLU(count)
    with torch.no_grad():
        slopes.weight.copy_(torch.linspace(0.1, 0.5, count))
    assert apart(slopes, drawn()) <= ROUNDING
    assert apart(slopes, drawn((3, 5))) <= ROUNDING


@pytest.mark.parametrize("layer", [nn.Dropout(0.3), nn.Dropout1d(0.3), nn.AlphaDropout(0.3)])
def test_dropouts_stay(layer: nn.Module) -> None:
    assert apart(layer, drawn()) <= ROUNDING
    assert "Dropout(0.3" in translated(layer, drawn()).source


def test_dropout_of_channels_stays() -> None:
    module = Behind(lambda x: x)
    module.function = nn.Dropout2d(0.3)
    assert apart(module, drawn((2, 3, 7, 9))) <= 4 * ROUNDING
    assert "noise_shape=(None, 1, 1, 4)" in translated(module, drawn((2, 3, 7, 9))).source


def test_a_dropout_at_inference_is_refused() -> None:
    with pytest.raises(Unsupported, match="at inference too"):
        translated(One(lambda x: functional.dropout(x, 0.5, training=True)), drawn())
