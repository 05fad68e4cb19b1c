"""Norms by stored statistics, and by those of what is normalised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.keras.emitting.operators.test_normalisation import INPUTS, Computed, drawn
from tests.pytorch.emitting.again import ROUNDING, again, apart
from tests.pytorch.emitting.operators.test_convolution import Last
from torch import nn

BATCH: list[dict[str, Any]] = [
    {},
    {"affine": False, "eps": 1e-3},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
    {"momentum": None},
]
INSTANCE: list[dict[str, Any]] = [
    {},
    {"affine": True, "eps": 1e-3},
    {"track_running_stats": True},
    {"affine": True, "track_running_stats": True, "momentum": 0.3},
]


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("settings", BATCH, ids=str)
def test_batch_norm(rank: int, settings: dict[str, Any]) -> None:
    module = drawn(getattr(nn, f"BatchNorm{max(rank, 1)}d")(6, **settings))
    assert apart(module, INPUTS[rank]) <= ROUNDING
    if rank:
        assert apart(Last(module), np.moveaxis(INPUTS[rank], 1, -1)) <= ROUNDING


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("settings", INSTANCE, ids=str)
def test_instance_norm(rank: int, settings: dict[str, Any]) -> None:
    module = drawn(getattr(nn, f"InstanceNorm{rank}d")(6, **settings))
    assert apart(module, INPUTS[rank]) <= ROUNDING


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("affine", [True, False])
def test_group_norm(rank: int, groups: int, affine: bool) -> None:
    assert apart(drawn(nn.GroupNorm(groups, 6, eps=1e-3, affine=affine)), INPUTS[rank]) <= ROUNDING


@pytest.mark.parametrize("shape", [(7,), (5, 7), (6, 5, 7)])
@pytest.mark.parametrize("settings", [{}, {"elementwise_affine": False}, {"bias": False, "eps": 1e-3}], ids=str)
def test_layer_norm(shape: tuple[int, ...], settings: dict[str, Any]) -> None:
    assert apart(drawn(nn.LayerNorm(shape, **settings)), INPUTS[2]) <= ROUNDING


@pytest.mark.parametrize(
    "settings", [{"eps": 1e-6}, {"elementwise_affine": False, "eps": 0.01}, {"eps": 1e-3}], ids=str
)
def test_rms_norm(settings: dict[str, Any]) -> None:
    assert apart(drawn(nn.RMSNorm(7, **settings)), INPUTS[2]) <= ROUNDING


@pytest.mark.parametrize("way", ["layer", "group", "stored", "batch"])
def test_computed_weights(way: str) -> None:
    assert apart(Computed(way), INPUTS[2]) <= ROUNDING


class Shifted(nn.Module):
    """A norm that shifts and does not scale."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.rand(6))
        self.register_buffer("mean", torch.rand(6))
        self.register_buffer("variance", torch.rand(6) + 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one = nn.functional.batch_norm(x, self.mean, self.variance, bias=self.shift)
        return nn.functional.layer_norm(one.movedim(1, -1), (6,), bias=self.shift)


def test_a_shift_without_a_scale() -> None:
    assert apart(Shifted(), INPUTS[2]) <= ROUNDING


def test_statistics_are_updated_in_training_as_before() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(6, 5, 2), nn.BatchNorm2d(5, momentum=0.3))
    found = again(module, INPUTS[2])
    x = torch.randn(4, 6, 5, 7)
    with torch.no_grad():
        assert torch.allclose(module.train()(x), found.model.train()(x))
    theirs = {name.partition(".")[2]: tensor for name, tensor in module.state_dict().items() if name.startswith("1.")}
    ours = {name.rpartition(".")[2]: tensor for name, tensor in found.model.state_dict().items() if "running" in name}
    assert all(torch.allclose(theirs[name], ours[name]) for name in ("running_mean", "running_var"))


FLOAT32 = 2e-7


@pytest.mark.parametrize("norm", [nn.utils.parametrizations.weight_norm, nn.utils.weight_norm])
@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_weights_computed_from_a_length_and_a_direction(norm: Any, dim: int | None) -> None:
    """The module itself computes them in float64 here, and the written one was filled with what float32 leaves."""
    assert apart(norm(nn.Conv2d(6, 4, 3), dim=dim), INPUTS[2]) <= FLOAT32
    assert apart(norm(nn.Linear(7, 4), dim=dim), INPUTS[2]) <= FLOAT32
