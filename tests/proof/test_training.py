"""A few steps of training keep two copies together, batch statistics included; what trains otherwise is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.proof import training
from proof.test_gradients import subjects_of
from twins import PAIRS


@pytest.mark.parametrize("name", ["digits", "resnet", "nested", "sequence", "mixer"])
@pytest.mark.parametrize("back", [False, True])
def test_copies_stay_together(name: str, back: bool) -> None:
    one, two = PAIRS[name].torch(), PAIRS[name].keras()

    part = training.check(subjects_of(*((two, one) if back else (one, two)), carry_config=True), steps=3)

    assert part.passed, str(part)
    assert part.figures["precision"] == "float64"
    assert part.figures["share_of_threshold"] < 1e-2  # type: ignore[operator]
    assert ("PyTorch keeps n / (n - 1)" in str(part.details)) == (name in ("resnet", "nested", "sequence"))


def test_another_momentum_is_told_from_other_gradients() -> None:
    subjects = subjects_of(PAIRS["resnet"].torch(), PAIRS["resnet"].keras())

    part = training.check(subjects, steps=2)

    assert not part.passed
    assert "the weights agree, the batch statistics do not: momentum, 0.1 (Keras writes 0.9) in bn1" in part.figure
    assert any(line.startswith("help:") for line in part.details)


def test_without_the_convention_the_variances_would_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    subjects = subjects_of(PAIRS["sequence"].torch(), PAIRS["sequence"].keras(), carry_config=True)

    def as_it_is(self: Any, name: str, before: Any, after: Any, steps: int) -> Any:
        return after

    monkeypatch.setattr("homolog.proof.statistics.Conventions.taken_over", as_it_is)

    part = training.check(subjects, steps=2)

    assert not part.passed
    wrong = [line for line in part.details if " apart" in line]
    assert len(wrong) == 1
    assert "moving_variance" in wrong[0]


def test_a_gradient_that_is_cut_shows_in_the_weights() -> None:
    module = PAIRS["shared"].torch()
    subjects = subjects_of(module, PAIRS["shared"].keras())
    module.step.weight.requires_grad_(False)

    part = training.check(subjects, steps=2)

    assert not part.passed
    assert "momentum" not in part.figure
    assert any("from step.weight" in line for line in part.details)


def test_dropout_is_kept_from_dropping_and_said() -> None:
    part = training.check(subjects_of(PAIRS["digits"].torch(), PAIRS["digits"].keras()), steps=1)

    assert any(line.startswith("kept from doing anything at random: 7") for line in part.details)


def test_both_networks_are_left_as_they_were() -> None:
    module, model = PAIRS["resnet"].torch(), PAIRS["resnet"].keras()
    subjects = subjects_of(module, model, carry_config=True)
    lives = (subjects.a, subjects.b)
    before = [{name: ref.read().copy() for name, ref in live.tensors().items()} for live in lives]
    kept = [dict(vars(layer)) for layer in model.layers]

    training.check(subjects, steps=2)

    assert not any(child.training for child in module.modules())
    assert all(tensor.grad is None for tensor in module.parameters())
    for live, values in zip(lives, before, strict=True):
        assert all(np.array_equal(ref.read(), values[name]) for name, ref in live.tensors().items())
    for layer, attributes in zip(model.layers, kept, strict=True):
        assert vars(layer).keys() == attributes.keys()
        assert vars(layer)["_dtype_policy"] is attributes["_dtype_policy"]


def lstms() -> tuple[Any, Any]:
    import torch
    from torch import nn

    import keras

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(self.rnn(x)[0][:, -1])

    inputs = keras.Input((6, 4))
    return Last(), keras.Model(inputs, keras.layers.Dense(2)(keras.layers.LSTM(5, dropout=0.3)(inputs)))


@pytest.mark.parametrize("back", [False, True])
def test_two_biases_that_are_added_share_a_step(back: bool) -> None:
    from homolog.proof import gradients

    one, two = lstms()
    subjects = subjects_of(*((two, one) if back else (one, two)))

    slopes, part = gradients.check(subjects), training.check(subjects, steps=3)

    assert slopes.passed, str(slopes)
    assert part.passed, str(part)
    assert any(("held as they are" if back else "share a step") in line for line in part.details)
