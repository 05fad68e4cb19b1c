"""Numbers moved between channels and places, and maps read at places that are computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.keras.emitting.operators.test_spatial import DEEP, WIDE, WINDOWS, Read
from tests.pytorch.emitting.again import ROUNDING, again, apart
from torch import nn


@pytest.mark.parametrize("module", [nn.PixelShuffle(3), nn.ChannelShuffle(6), nn.ChannelShuffle(9)])
def test_from_channels(module: nn.Module) -> None:
    assert apart(module, DEEP) <= ROUNDING


@pytest.mark.parametrize("factor", [2, 3])
def test_to_channels(factor: int) -> None:
    assert apart(nn.PixelUnshuffle(factor), WIDE) <= ROUNDING


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [True, False])
def test_reading(mode: str, padding_mode: str, align_corners: bool) -> None:
    module = Read(mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    grid = np.random.default_rng(0).uniform(-1.3, 1.3, (2, 5, 7, 2)).astype(np.float32)
    assert apart(module, WIDE, grid) <= ROUNDING


@pytest.mark.parametrize("settings", WINDOWS, ids=str)
def test_unfolding_and_folding(settings: dict[str, Any]) -> None:
    unfold = nn.Unfold(**settings)
    assert apart(unfold, WIDE) <= ROUNDING
    assert apart(nn.Sequential(unfold, nn.Fold(WIDE.shape[2:], **settings)), WIDE) <= ROUNDING
    assert "F.fold" in again(nn.Sequential(unfold, nn.Fold(WIDE.shape[2:], **settings)), WIDE).source


@pytest.mark.parametrize("size", [2, 3])
def test_local_response(size: int) -> None:
    assert apart(nn.LocalResponseNorm(size), DEEP) <= ROUNDING
