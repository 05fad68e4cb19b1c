"""Gradients and training of a PyTorch module, on a copy of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from homolog.live import Lesson
from homolog.pytorch.run import LiveTorch

X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


def test_the_gradient_is_that_of_the_weighed_outputs_and_in_float64() -> None:
    layer = nn.Linear(3, 2)
    weights = np.random.default_rng(1).standard_normal((4, 2))

    found = LiveTorch(layer).gradients([X], [weights])

    assert found.precision == "float64"
    np.testing.assert_allclose(found.arrays["weight"], weights.T @ X.astype(float), rtol=1e-12)
    np.testing.assert_allclose(found.arrays["bias"], weights.sum(0), rtol=1e-12)
    assert layer.weight.grad is None


def test_an_output_without_a_cotangent_does_not_count() -> None:
    found = LiveTorch(nn.Linear(3, 2)).gradients([X], [None])

    assert not any(array.any() for array in found.arrays.values())


def test_tied_weights_have_the_whole_gradient_under_both_names() -> None:
    one, two = nn.Linear(3, 3), nn.Linear(3, 3)
    two.weight = one.weight
    found = LiveTorch(nn.Sequential(one, two)).gradients([X], [np.ones((4, 3))])

    np.testing.assert_array_equal(found.arrays["0.weight"], found.arrays["1.weight"])


def test_a_forward_that_does_not_go_with_float64_is_run_in_float32() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 2)
            self.hidden = [torch.ones(2, 2)]  # no buffer, so that nobody converts it

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x) @ self.hidden[0]

    live = LiveTorch(Own())

    assert live.gradients([X], [np.ones((4, 2))]).precision == "float32"
    assert live.train(Lesson([X], [np.ones((4, 2))], 1)).precision == "float32"


def test_a_step_moves_against_the_gradient_by_the_rate() -> None:
    layer = nn.Linear(3, 1)
    targets = np.zeros((4, 1))
    lesson = Lesson([X], [targets], steps=1, rate=0.5, shares={"bias": 0.0})

    trained = LiveTorch(layer).train(lesson)

    weight, bias = (tensor.detach().double().numpy() for tensor in layer.parameters())
    off = X.astype(float) @ weight.T + bias
    np.testing.assert_allclose(trained.arrays["weight"], weight - 0.5 * (off.T @ X) / 4, rtol=1e-12)
    np.testing.assert_array_equal(trained.arrays["bias"], bias)
    assert trained.losses == pytest.approx([float((off**2).mean() / 2)])


class Dropping(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.inner, self.drop, self.how = nn.Linear(3, 3), nn.Dropout(0.5), how

    def forward(self, x: torch.Tensor) -> Any:
        x = self.inner(x)
        return self.drop(x) if self.how == "module" else functional.dropout(x, 0.5, self.training)


@pytest.mark.parametrize("how", ["module", "function"])
def test_nothing_is_dropped_at_random(how: str) -> None:
    live = LiveTorch(Dropping(how))
    lesson = Lesson([X], [np.ones((4, 3))], steps=2)

    one, two = live.train(lesson), live.train(lesson)

    assert one.losses == two.losses
    assert any("drop" in name for name in one.silenced)
    assert live.model.training
