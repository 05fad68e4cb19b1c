"""Pooling over windows and into cells."""

from __future__ import annotations

from typing import Any

import pytest
from tests.keras.emitting.operators.test_pooling import BOTH, INPUTS, LARGEST, SIZES, named
from tests.pytorch.emitting.again import ROUNDING, again, apart, drawn
from torch import nn


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("settings", [*BOTH, *LARGEST], ids=named)
def test_the_largest(rank: int, settings: dict[str, Any]) -> None:
    assert apart(getattr(nn, f"MaxPool{rank}d")(**settings), INPUTS[rank]) <= ROUNDING


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("settings", BOTH, ids=named)
def test_the_mean(rank: int, counted: bool, settings: dict[str, Any]) -> None:
    module = getattr(nn, f"AvgPool{rank}d")(**settings, count_include_pad=counted)
    assert apart(module, INPUTS[rank]) <= ROUNDING


@pytest.mark.parametrize(("rank", "size"), [(rank, size) for rank, sizes in SIZES.items() for size in sizes])
@pytest.mark.parametrize("way", ["Avg", "Max"])
def test_cells(way: str, rank: int, size: Any) -> None:
    assert apart(getattr(nn, f"Adaptive{way}Pool{rank}d")(size), INPUTS[rank]) <= ROUNDING


@pytest.mark.parametrize(
    "module", [nn.MaxPool2d(2, return_indices=True), nn.AdaptiveMaxPool2d((2, 3), return_indices=True)]
)
def test_places_of_the_largest(module: nn.Module) -> None:
    assert apart(module, INPUTS[2]) <= ROUNDING


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.MaxPool2d(3, 2, 1), "F.max_pool2d(x, kernel_size=3, stride=2, padding=1)"),
        (nn.AvgPool2d((2, 3)), "F.avg_pool2d(x, kernel_size=(2, 3))"),
        (nn.AvgPool2d(2, divisor_override=3), "divisor_override=3"),
        (nn.AdaptiveAvgPool2d(1), "F.adaptive_avg_pool2d(x, 1)"),
    ],
)
def test_words(module: nn.Module, words: str) -> None:
    assert words in again(module, drawn((2, 4, 6, 9))).source.replace("input", "x")
    assert apart(module, drawn((2, 4, 6, 9))) <= ROUNDING
