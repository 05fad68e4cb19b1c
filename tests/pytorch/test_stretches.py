"""A stretch of an axis of open length is written as it is, or refused: never as the whole axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import homolog
import keras
from homolog.errors import Unsupported
from homolog.pytorch.program import trace
from keras import layers, ops

Cut = Callable[[Any], Any]

SAID: dict[str, tuple[Cut, tuple[object, object]]] = {
    "all": (lambda x: x[:, : x.shape[1]], (None, None)),
    "all but the last": (lambda x: x[:, : x.shape[1] - 1], (None, -1)),
    "the last three": (lambda x: x[:, x.shape[1] - 3 :], (-3, None)),
    "within": (lambda x: x[:, 2 : x.shape[1] - 2], (2, -2)),
    "narrowed": (lambda x: x.narrow(1, 2, x.shape[1] - 4), (2, -2)),
    "as long as before": (lambda x: torch.cat([x, x[:, :3]], 1)[:, : x.shape[1]], (None, -3)),
    "every second": (lambda x: x[:, : x.shape[1] : 2], (None, None)),
}
"""With the start and the end that the last slice of the trace has; None or 0 where it begins at the beginning."""
OPEN: dict[str, Cut] = {
    "half": lambda x: x[:, : x.shape[1] // 2],
    "as many rows as the input": lambda x: torch.cat([x, x + 1])[: x.shape[0]],
}


class Cutting(torch.nn.Module):
    def __init__(self, cut: Cut) -> None:
        super().__init__()
        self.cut, self.last = cut, torch.nn.Linear(5, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        cut: torch.Tensor = self.cut(x)
        made: torch.Tensor = self.last(cut)
        return made


@pytest.mark.parametrize("name", SAID)
def test_an_end_counts_from_the_axis_s_own(name: str) -> None:
    cut, (start, end) = SAID[name]
    found = trace(Cutting(cut), [np.zeros((2, 11, 5), np.float32)], {0: (1,)})
    *_, step = (step for step in found.steps.values() if step.operator == "slice")
    assert (step.arguments["start"] or None, _none(step.arguments["end"])) == (start, end)


def _none(end: object) -> object:
    """What PyTorch says for no end is a huge number."""
    return None if isinstance(end, int) and end > 1 << 40 else end


@pytest.mark.parametrize("name", SAID)
def test_it_is_proven_in_keras_at_other_lengths(name: str) -> None:
    proof = homolog.translate(Cutting(SAID[name][0]), to="keras", inputs=(2, None, 5)).proof
    assert proof.passed, str(proof)
    assert "other sizes" in {part.name for part in proof.parts}


@pytest.mark.parametrize("name", OPEN)
def test_what_keras_has_no_number_for_is_refused(name: str) -> None:
    with pytest.raises(Unsupported, match="slice"):
        homolog.translate(Cutting(OPEN[name]), to="keras", inputs=(2, None, 5))


@pytest.mark.parametrize(
    "cut",
    [
        lambda x: x[:, : ops.shape(x)[1] // 2],
        lambda x: x[:, : ops.shape(x)[1] - 1],
        lambda x: ops.concatenate([x, x + 1], 0)[: ops.shape(x)[0]],
    ],
    ids=["half", "all but the last", "as many rows"],
)
def test_it_is_proven_in_pytorch_at_other_lengths(cut: Cut) -> None:
    class Part(keras.Layer):
        def call(self, value: Any) -> Any:
            return cut(value)

        def compute_output_spec(self, value: Any) -> Any:
            return keras.KerasTensor((None, None, 5))

    entry = keras.Input((None, 5))
    translation = homolog.translate(keras.Model(entry, layers.Dense(4)(Part()(entry))), to="torch")
    assert translation.proof.passed, str(translation.proof)
    assert not any("fixed" in note for note in translation.notes)
