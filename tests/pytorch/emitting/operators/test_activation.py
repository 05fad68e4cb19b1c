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
