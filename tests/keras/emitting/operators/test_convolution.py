"""Convolutions: every setting, with lengths that are all different."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import ROUNDING, apart, translated
from torch import nn

from homolog.errors import Unsupported

random = np.random.default_rng(0)
LINE = random.standard_normal((2, 6, 17)).astype(np.float32)
IMAGE = random.standard_normal((2, 6, 13, 17)).astype(np.float32)
VOLUME = random.standard_normal((2, 6, 5, 7, 8)).astype(np.float32)
INPUTS = {1: LINE, 2: IMAGE, 3: VOLUME}

PLAIN = [
    {"kernel_size": 3},
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 5, "dilation": 2, "padding": 4, "bias": False},
    {"kernel_size": 4, "padding": "same"},
    {"kernel_size": 3, "padding": "valid", "groups": 2},
    {"kernel_size": 3, "groups": 6, "padding": 1, "stride": 2},
    {"kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
    {"kernel_size": 5, "padding": 2, "padding_mode": "replicate"},
    {"kernel_size": 3, "padding": 1, "padding_mode": "circular"},
    {"kernel_size": 3, "stride": 2, "dilation": 2, "padding": 1},
]


def named(settings: dict[str, object]) -> str:
    return "-".join(f"{key}={value}" for key, value in settings.items())


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("settings", PLAIN, ids=named)
def test_convolution(rank: int, settings: dict[str, object]) -> None:
    if rank == 3 and settings.get("padding_mode") == "reflect":
        pytest.skip("PyTorch reflects volumes by an operator of its own")
    module = getattr(nn, f"Conv{rank}d")(6, 12, **settings)
    found = translated(module, INPUTS[rank])
    assert "transpose" not in found.source
    assert apart(module, INPUTS[rank]) < 2 * ROUNDING


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": (3, 5), "stride": (2, 1), "padding": (1, 2)},
        {"kernel_size": (3, 4), "stride": (2, 3), "padding": (0, 1), "dilation": 1},
        {"kernel_size": (1, 7), "padding": (0, 3), "groups": 6},
        {"kernel_size": 3, "stride": (1, 2), "groups": 6, "padding": 1},
    ],
    ids=named,
)
def test_uneven(settings: dict[str, object]) -> None:
    assert apart(nn.Conv2d(6, 12, **settings), IMAGE) < 2 * ROUNDING  # type: ignore[arg-type]


TRANSPOSED = [
    {"kernel_size": 2, "stride": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
    {"kernel_size": 4, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 5, "stride": 3, "padding": 1, "output_padding": 2, "bias": False},
    {"kernel_size": 3, "stride": 4, "output_padding": 1},
    {"kernel_size": 2, "stride": 3, "output_padding": 2},
    {"kernel_size": 3, "dilation": 2, "padding": 2},
    {"kernel_size": 4, "padding": 3},
    {"kernel_size": 3, "stride": 2, "padding": 0, "output_padding": 1},
]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("settings", TRANSPOSED, ids=named)
def test_transposed(rank: int, settings: dict[str, object]) -> None:
    module = getattr(nn, f"ConvTranspose{rank}d")(6, 4, **settings)
    assert apart(module, INPUTS[rank]) < 2 * ROUNDING


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 3, "groups": 2},
        {"kernel_size": 4, "stride": 2, "padding": 1, "groups": 2, "bias": False},
        {"kernel_size": 3, "stride": 3, "output_padding": 1, "groups": 6},
    ],
    ids=named,
)
def test_groups_of_transposed_ones_are_layers_by_themselves(rank: int, settings: dict[str, object]) -> None:
    module = getattr(nn, f"ConvTranspose{rank}d")(6, 12, **settings)
    assert apart(module, INPUTS[rank]) < 2 * ROUNDING


def test_a_stride_and_a_dilation_of_transposed_ones_are_refused() -> None:
    with pytest.raises(Unsupported, match="dilation"):
        translated(nn.ConvTranspose2d(6, 4, 3, stride=2, dilation=2), IMAGE)


class Standardised(nn.Conv2d):
    """Its kernel is computed anew each time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 3, "padding": 1},
        {"kernel_size": (3, 5), "stride": 2, "padding": 1, "bias": False},
        {"kernel_size": 3, "groups": 6, "dilation": 2},
        {"kernel_size": 3, "groups": 3, "padding": (2, 1)},
    ],
    ids=named,
)
def test_computed_kernels(settings: dict[str, object]) -> None:
    assert apart(Standardised(6, 12, **settings), IMAGE) < 2 * ROUNDING  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kernel_size": 3, "padding": 1}, 'layers.Conv2D(12, 3, padding="same"'),
        ({"kernel_size": 3, "padding": 1, "groups": 6}, 'layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2'),
        ({"kernel_size": 3, "stride": 2, "padding": 1}, 'strides=2, padding="same"'),  # both lengths are odd
    ],
)
def test_padding_is_folded_into_the_layer(settings: dict[str, object], words: str) -> None:
    source = translated(nn.Conv2d(6, 12, **settings), IMAGE).source  # type: ignore[arg-type]
    assert words in source and "ZeroPadding" not in source


class Modulated(nn.Module):
    """A kernel for each row, as one convolution of as many groups as rows."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel, self.style = nn.Parameter(torch.randn(5, 3, 2, 2)), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, channels, *space = x.shape
        kernels = self.kernel * self.style(x.mean(2)[..., :4].mean(1)).view(rows, 1, channels, 1, 1)
        found = nn.functional.conv2d(x.reshape(1, -1, *space), kernels.flatten(0, 1), groups=rows)
        return found.view(rows, 5, *found.shape[2:])


def test_a_kernel_for_each_row_is_refused() -> None:
    with pytest.raises(Unsupported, match="a kernel for each row"):
        translated(Modulated(), random.standard_normal((2, 3, 7, 9)).astype(np.float32))
