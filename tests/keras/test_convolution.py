"""Grouped convolutions of channels-last values go their own way, the others to Keras's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.keras.convolution import Settings, with_groups

IMAGE, WHOLE, HALF = np.zeros((2, 7, 8, 6)), np.zeros((3, 3, 6, 4)), np.zeros((3, 3, 3, 4))
LAST = ((2, 1), "same", "channels_last", 1)


def plainly(inputs: Any, kernel: Any, *settings: object) -> tuple[str, tuple[object, ...]]:
    return "plain", settings


def in_groups(inputs: Any, kernel: Any, settings: Settings) -> tuple[str, Settings]:
    return "groups", settings


CONV = with_groups(plainly, in_groups)


def test_several_groups_are_told_their_settings_by_place_or_by_name() -> None:
    expected = ("groups", Settings((2, 1), "same", "channels_last", 1))
    names = ("strides", "padding", "data_format", "dilation_rate")

    assert CONV(IMAGE, HALF, *LAST) == expected
    assert CONV(IMAGE, HALF, **dict(zip(names, LAST, strict=True))) == expected


@pytest.mark.parametrize(
    ("kernel", "settings"),
    [(WHOLE, LAST), (HALF, ((2, 1), "same", "channels_first", 1)), (HALF, (1, "valid", None, 1))],
    ids=["one group", "channels first", "no order of axes"],
)
def test_all_others_are_keras_own(kernel: Any, settings: tuple[object, ...]) -> None:
    assert CONV(IMAGE, kernel, *settings) == ("plain", settings)
