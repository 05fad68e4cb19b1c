"""The verbs on live models: what all of them take."""

from __future__ import annotations

import pytest

import homolog
from homolog.errors import Mismatch, Usage
from twins import PAIRS
from twins.live import twin


def test_an_input_is_an_array_or_a_shape() -> None:
    source, target = twin("vgg", "keras")

    assert homolog.match(source, target, inputs=[(1, 3, 9, 8)]).rows
    with pytest.raises(Usage):
        homolog.match(source, target, inputs=[("a", "b")])  # type: ignore[list-item]
    with pytest.raises(Mismatch, match="number of inputs"):
        homolog.match(PAIRS["lenet"].torch(), target, inputs=[(1, 3, 9, 8), (1, 3)])
