"""Normalisation: with and without weights, with stored statistics and with the input's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import ROUNDING, apart, translated
from torch import nn

random = np.random.default_rng(0)
INPUTS = {
    0: (random.standard_normal((5, 6)) * 3 + 1).astype(np.float32),
    1: (random.standard_normal((2, 6, 17)) * 3 + 1).astype(np.float32),
    2: (random.standard_normal((2, 6, 5, 7)) * 3 + 1).astype(np.float32),
    3: (random.standard_normal((2, 6, 4, 5, 3)) * 3 + 1).astype(np.float32),
}
SOME = 4 * ROUNDING  # statistics are taken in another order


def drawn(module: nn.Module) -> nn.Module:
    """With weights and statistics that are none of the usual ones and one."""
    torch.manual_seed(0)
    for tensor in [*module.parameters(), *module.buffers()]:
        if tensor.is_floating_point():
            tensor.data.uniform_(0.5, 2)
    return module


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"affine": False, "eps": 1e-3},
        {"track_running_stats": False},
        {"affine": False, "track_running_stats": False},
    ],
    ids=str,
)
def test_batch_norm(rank: int, settings: dict[str, object]) -> None:
    module = getattr(nn, f"BatchNorm{max(rank, 1)}d")(6, **settings)
    assert apart(drawn(module), INPUTS[rank]) < SOME


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    "settings",
    [{}, {"affine": True, "eps": 1e-3}, {"track_running_stats": True}, {"affine": True, "track_running_stats": True}],
    ids=str,
)
def test_instance_norm(rank: int, settings: dict[str, object]) -> None:
    module = getattr(nn, f"InstanceNorm{rank}d")(6, **settings)
    assert apart(drawn(module), INPUTS[rank]) < SOME


@pytest.mark.parametrize("shape", [(8,), (7, 8)], ids=str)
@pytest.mark.parametrize("eps", [None, 1e-3])
def test_rms_norm_without_weight(shape: tuple[int, ...], eps: float | None) -> None:
    given = np.random.default_rng(0).standard_normal((2, 5, 7, 8)).astype(np.float32) / 1e3
    assert apart(nn.RMSNorm(shape, eps=eps, elementwise_affine=False), given) < SOME


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("affine", [True, False])
def test_group_norm(rank: int, groups: int, affine: bool) -> None:
    if rank == 0 and groups == 6:
        pytest.skip("the deviation of a number by itself is none")
    assert apart(drawn(nn.GroupNorm(groups, 6, eps=1e-3, affine=affine)), INPUTS[rank]) < SOME


@pytest.mark.parametrize("shape", [(7,), (5, 7), (6, 5, 7)])
@pytest.mark.parametrize("settings", [{}, {"elementwise_affine": False}, {"bias": False, "eps": 1e-3}], ids=str)
def test_layer_norm(shape: tuple[int, ...], settings: dict[str, object]) -> None:
    assert apart(drawn(nn.LayerNorm(shape, **settings)), INPUTS[2]) < SOME  # type: ignore[arg-type]


class Computed(nn.Module):
    """Weights that are no tensors of the module's own."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.weight, self.bias = nn.Parameter(torch.rand(6) + 0.5), nn.Parameter(torch.rand(6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self.weight * 2, self.bias + 1
        if self.way == "layer":
            return nn.functional.layer_norm(x.movedim(1, -1), (6,), weight, bias)
        if self.way == "group":
            return nn.functional.group_norm(x, 3, weight, bias)
        if self.way == "stored":
            return nn.functional.batch_norm(x, bias.detach() * 0.5, weight.detach(), weight, bias)
        return nn.functional.batch_norm(x, None, None, weight, bias, training=True)


@pytest.mark.parametrize("way", ["layer", "group", "stored", "batch"])
def test_computed_weights(way: str) -> None:
    assert apart(Computed(way), INPUTS[2]) < SOME


def test_channels_stay_last() -> None:
    module = nn.Sequential(
        nn.Conv2d(6, 6, 3), nn.GroupNorm(2, 6), nn.BatchNorm2d(6, affine=False), nn.InstanceNorm2d(6)
    )
    source = translated(module, INPUTS[2]).source
    assert "transpose" not in source
    assert "scale=False" in source and "center=False" in source
