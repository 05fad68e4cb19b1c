"""Activations, with weights and without, and dropouts."""

from __future__ import annotations

import pytest
import torch
from tests.keras.emitting.operators.test_activation import ACTIVATIONS
from tests.pytorch.emitting.again import ROUNDING, One, again, apart, behind, drawn, plain
from torch import nn

from homolog.errors import Unsupported


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    plain(ACTIVATIONS[name])
    behind(ACTIVATIONS[name])


@pytest.mark.parametrize("dim", [1, 2, -1])
def test_glu(dim: int) -> None:
    plain(lambda x: nn.functional.glu(x, dim), shape=(2, 6, 4))


@pytest.mark.parametrize("count", [1, 5])
def test_prelu(count: int) -> None:
    module = nn.PReLU(count)
    nn.init.uniform_(module.weight)
    assert apart(module, drawn()) <= ROUNDING
    assert f"nn.PReLU({count})" in again(module, drawn()).source


@pytest.mark.parametrize(
    "layer", [nn.Dropout(0.3), nn.Dropout1d(0.3), nn.Dropout2d(0.3), nn.AlphaDropout(0.3), nn.FeatureAlphaDropout(0.3)]
)
def test_dropouts_drop_in_training_again(layer: nn.Module) -> None:
    shape = (2, 5, 3, 4) if "2d" in type(layer).__name__ else (2, 5, 3)
    found = again(nn.Sequential(layer, nn.Identity()), drawn(shape))
    x = torch.ones(shape)
    assert torch.equal(found.model.eval()(x), x)
    assert not torch.equal(found.model.train()(x), x)
    assert f"nn.{type(layer).__name__}(0.3)" in found.source


def test_a_dropout_at_inference_is_refused() -> None:
    with pytest.raises(Unsupported, match="drops at inference"):
        again(One(lambda x: nn.functional.dropout(x, 0.5, training=True)), drawn())


class _Rectified(nn.Module):
    """A convolution, its norm, and what is given beside."""

    def __init__(self, *, beside: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 2)
        self.norm = nn.BatchNorm2d(4)
        self.beside = beside

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = self.norm(self.convolution(x))
        return (nn.functional.relu(y), y) if self.beside else (nn.functional.relu(y),)


def test_a_relu_behind_a_norm_works_in_place() -> None:
    found = again(_Rectified(beside=False), drawn((2, 3, 5, 6)))
    assert "F.relu(y, inplace=True)" in found.source
    assert apart(_Rectified(beside=False), drawn((2, 3, 5, 6))) <= ROUNDING
    found.model.train()
    found.model(torch.rand(2, 3, 5, 6)).sum().backward()
    assert all(parameter.grad is not None for parameter in found.model.parameters())


def test_a_relu_behind_a_convolution_that_is_permuted_works_in_place() -> None:
    convolution = nn.Conv2d(3, 4, 2)
    turned = One(lambda x: nn.functional.relu(convolution(x).permute(0, 2, 3, 1)))
    turned.convolution = convolution
    found = again(turned, drawn((2, 3, 5, 6)))
    assert "inplace=True" in found.source
    assert apart(turned, drawn((2, 3, 5, 6))) <= ROUNDING


def test_a_relu_of_what_is_read_again_does_not() -> None:
    found = again(_Rectified(beside=True), drawn((2, 3, 5, 6)))
    assert "inplace" not in found.source
    assert apart(_Rectified(beside=True), drawn((2, 3, 5, 6))) <= ROUNDING


def test_a_relu_of_what_may_be_another_s_does_not() -> None:
    found = again(nn.Sequential(nn.Dropout(0.5), nn.ReLU()), drawn())
    assert "inplace" not in found.source
