"""Resizing of lines, images and volumes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.keras.emitting.operators.test_resize import IMAGE, LINE, SIZES, VOLUME, Resized
from tests.pytorch.emitting.again import ROUNDING, again, apart

IMAGES: list[dict[str, Any]] = [
    {"mode": "nearest"},
    {"mode": "nearest-exact"},
    {"mode": "bilinear"},
    {"mode": "bilinear", "align_corners": True},
    {"mode": "bilinear", "antialias": True},
    {"mode": "bicubic"},
    {"mode": "bicubic", "align_corners": True},
    {"mode": "bicubic", "antialias": True},
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("settings", IMAGES, ids=str)
def test_images(size: tuple[int, int], settings: dict[str, Any]) -> None:
    assert apart(Resized(size=size, **settings), IMAGE) <= ROUNDING


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
@pytest.mark.parametrize("factor", [2, 3.0, (2.0, 3.0), 1.37, 0.5, 0.43])
@pytest.mark.parametrize("anew", [None, True])
def test_factors(mode: str, factor: Any, anew: bool | None) -> None:
    module = Resized(scale_factor=factor, mode=mode, recompute_scale_factor=anew)
    assert apart(module, IMAGE) <= ROUNDING


@pytest.mark.parametrize("size", [34, 9, 51])
@pytest.mark.parametrize(
    "settings", [{"mode": "nearest"}, {"mode": "linear"}, {"mode": "linear", "align_corners": True}], ids=str
)
def test_lines(size: int, settings: dict[str, Any]) -> None:
    assert apart(Resized(size=size, **settings), LINE) <= ROUNDING


@pytest.mark.parametrize("size", [(8, 10, 14), (5, 3, 9)])
@pytest.mark.parametrize("settings", [{"mode": "nearest"}, {"mode": "nearest-exact"}, {"mode": "trilinear"}], ids=str)
def test_volumes(size: tuple[int, int, int], settings: dict[str, Any]) -> None:
    assert apart(Resized(size=size, **settings), VOLUME) <= ROUNDING


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scale_factor": 2}, "scale_factor=2.0)"),
        ({"size": (20, 30), "mode": "bilinear"}, 'size=(20, 30), mode="bilinear")'),
        ({"size": (20, 30), "mode": "bilinear", "align_corners": True}, "align_corners=True)"),
    ],
    ids=str,
)
def test_words(settings: dict[str, Any], words: str) -> None:
    assert words in again(Resized(**settings), IMAGE).source
