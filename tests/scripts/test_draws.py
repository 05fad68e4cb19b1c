"""What initialisers of Keras draw, and how the same is written for PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from homolog.keras.framework import require
from homolog.scripts.draws import calls, draw_of

SHAPE = (3, 2, 40, 70)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *[(name, {}) for name in ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform")],
        *[("lecun_normal", {}), ("random_normal", {}), ("truncated_normal", {}), ("random_uniform", {})],
        ("RandomUniform", {"minval": -0.2, "maxval": 0.3}),
        ("VarianceScaling", {"scale": 2.5, "mode": "fan_out", "distribution": "uniform"}),
        ("VarianceScaling", {"scale": 0.3, "mode": "fan_avg", "distribution": "untruncated_normal"}),
        ("Constant", {"value": 0.7}),
    ],
)
def test_a_tensor_is_drawn_as_keras_draws_it(name: str, settings: dict[str, Any]) -> None:
    initializer = require().initializers.get({"class_name": name, "config": settings} if settings else name)
    drawn = np.asarray(initializer(SHAPE, dtype="float32"))
    draw = draw_of(initializer, SHAPE)
    assert draw is not None
    tensor = torch.empty(70, 40, 3, 2)
    for line in calls(draw, "tensor", tuple(tensor.shape), False) or ["no line"]:
        exec(line, {"nn": nn, "tensor": tensor})
    ours = tensor.numpy()
    assert (ours.mean(), ours.std()) == pytest.approx((drawn.mean(), drawn.std()), rel=0.05, abs=3e-3)
    assert (ours.min(), ours.max()) == pytest.approx((drawn.min(), drawn.max()), rel=0.35)


def test_a_diagonal_and_runs_are_written_down() -> None:
    kinds = require().initializers
    eye = draw_of(kinds.Identity(2.0), (3, 5))
    assert eye is not None
    assert calls(eye, "t", (3, 5), True) == ["nn.init.eye_(t).detach().mul_(2)"]
    gates = draw_of(lambda shape, dtype: np.repeat([0, 1, 0, 0], 3), (12,))
    assert gates is not None
    assert calls(gates, "t", (12,), True) == ["nn.init.zeros_(t)", "nn.init.ones_(t.detach()[3:6])"]


def test_what_is_not_known_is_none() -> None:
    class Own(require().initializers.Initializer):  # type: ignore[misc, name-defined]
        def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
            return np.random.default_rng().random(shape)

    assert draw_of(Own(), (3, 4)) is None
