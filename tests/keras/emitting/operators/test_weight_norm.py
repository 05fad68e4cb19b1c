"""Weight norm: length and direction stay two tensors that are trained, and the kernel is computed from them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.keras.emitting.translated import ROUNDING, apart, translated
from torch import nn
from torch.nn.utils import parametrizations

import homolog

random = np.random.default_rng(0)
LINE = random.standard_normal((2, 6, 17)).astype(np.float32)
INPUTS = {
    1: LINE,
    2: random.standard_normal((2, 6, 13, 17)).astype(np.float32),
    3: random.standard_normal((2, 6, 5, 7, 8)).astype(np.float32),
}


def newer(module: nn.Module, dim: int | None = 0) -> nn.Module:
    return shuffled(parametrizations.weight_norm(module, dim=dim))


def older(module: nn.Module, dim: int | None = 0) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # that there is a newer one
        return shuffled(torch.nn.utils.weight_norm(module, dim=dim))


def shuffled(module: nn.Module) -> nn.Module:
    """With lengths that are not those of the directions."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.rand_like(parameter))
    return module


def count(model: Any) -> int:
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


@pytest.mark.parametrize("norm", [newer, older])
@pytest.mark.parametrize("dim", [0, 1, -2, None])
def test_a_convolution_for_every_axis_that_keeps_its_length(norm: Callable[..., nn.Module], dim: int | None) -> None:
    module = norm(nn.Conv1d(6, 5, 3), dim)
    assert apart(module, LINE) < ROUNDING
    assert count(translated(module, LINE).model) == sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {"stride": 2, "padding": 1},
        {"dilation": 2, "padding": 2, "bias": False},
        {"groups": 2, "padding": "same"},
        {"groups": 6, "padding": 1},
        {"stride": 2, "dilation": 2, "padding_mode": "reflect", "padding": 1},
    ],
    ids=str,
)
def test_every_setting_of_a_convolution(rank: int, settings: dict[str, Any]) -> None:
    if rank == 3 and "padding_mode" in settings:
        settings = {**settings, "padding_mode": "replicate"}
    kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    assert apart(newer(kind(6, 12, 3, **settings)), INPUTS[rank]) < ROUNDING


@pytest.mark.parametrize("norm", [newer, older])
@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("bias", [True, False])
def test_a_dense_layer(norm: Callable[..., nn.Module], dim: int | None, bias: bool) -> None:
    assert apart(norm(nn.Linear(17, 5, bias=bias), dim), LINE) < ROUNDING


def test_what_lies_channels_last_is_read_where_it_lies() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.dense = nn.Conv2d(6, 5, 3), newer(nn.Linear(5, 7))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.dense(self.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2) + 1

    assert apart(Mixed(), INPUTS[2]) < ROUNDING
    assert "transpose" not in translated(Mixed(), INPUTS[2]).source


def test_tensors_lie_as_the_operation_reads_them() -> None:
    source = translated(newer(nn.Conv1d(6, 5, 3)), LINE).source
    assert "Parameter((3, 6, 5)" in source
    assert "Parameter((1, 1, 5)" in source
    assert "transpose" not in source


class Net(nn.Module):
    """Both kinds of layers, one of them called twice, and a transposed one."""

    def __init__(self, norm: Callable[..., nn.Module]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.again = norm(nn.Conv1d(6, 8, 3, padding=1)), norm(nn.Conv1d(8, 8, 5, padding=2, groups=2))
        self.up, self.dense = nn.ConvTranspose1d(8, 5, 4, stride=2), norm(nn.Linear(5, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.again(torch.tanh(self.again(self.conv(x))))
        return self.dense(self.up(y).mean(-1))


@pytest.mark.parametrize("norm", [newer, older])
def test_lengths_and_directions_are_trained_as_before(norm: Callable[..., nn.Module]) -> None:
    from homolog.proof import training

    module = Net(norm)
    done = homolog.translate(module, inputs=[LINE.shape], gradients=True)
    parts = {part.name: part for part in done.proof.parts}
    assert done.proof.passed, str(done.proof)
    assert parts["gradients"].figures["precision"] == "float64"
    assert parts["gradients"].figures["tensors"] == len(list(module.parameters()))
    assert count(done.model) == sum(parameter.numel() for parameter in module.parameters())
    moved = {name for row in done.plan.rows for name in row.sources}
    assert moved == set(module.state_dict())
    assert done.notes == ()
    assert training.check(done.subjects, 2, 0).passed


def test_the_module_is_as_it_was() -> None:
    module = Net(older).train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    homolog.translate(module, inputs=[LINE.shape], gradients=True)
    assert module.training
    assert {name: tensor.equal(before[name]) for name, tensor in module.state_dict().items()} == dict.fromkeys(
        before, True
    )
    module(torch.from_numpy(LINE)).sum().backward()
    assert module.conv.weight_g.grad is not None


def test_a_transposed_convolution_is_trained_as_it_is_used_and_the_notes_say_so() -> None:
    module = nn.Sequential(newer(nn.ConvTranspose1d(6, 5, 4, stride=2)))
    done = homolog.translate(module, inputs=[LINE.shape])
    assert done.proof.passed, str(done.proof)
    assert done.notes == ("0.weight, and whatever else the source computes from others, is trained as it is used",)
    assert "layers.Conv1DTranspose(" in done.source
