"""The tables themselves: without a framework, without a name twice, and with names that the frameworks have."""

from __future__ import annotations

import subprocess
import sys

import pytest

from homolog.rules.training import Setting, Setup, keras_compile, losses, optimizers, schedules, torch_training


def test_declaring_and_writing_needs_no_framework() -> None:
    code = """
import sys
from homolog.rules.training import Setting, Setup, keras_compile
keras_compile(Setup(loss=Setting("mse", {"reduction": "mean"})))
print([name for name in ("torch", "keras", "tensorflow") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "names",
    [
        [rule.torch for rule in optimizers.TABLE],
        [rule.keras for rule in optimizers.TABLE],
        [rule.kind for rule in schedules.TABLE],
        [rule.torch for rule in schedules.TABLE if rule.torch],
        [rule.torch for rule in losses.TABLE if rule.torch],
        [rule.keras for rule in losses.TABLE if rule.keras],
        [name for rule in losses.TABLE for name in rule.keras_functions],
    ],
)
def test_no_name_stands_twice(names: list[str]) -> None:
    assert len(names) == len(set(names))


def test_every_name_is_one_of_the_framework() -> None:
    import torch

    import keras

    assert not [name for name in optimizers.BY_TORCH if not hasattr(torch.optim, name)]
    assert not [name for name in optimizers.BY_KERAS if not hasattr(keras.optimizers, name)]
    assert not [name for name in losses.BY_TORCH if not hasattr(torch.nn, name)]
    assert not [name for name in losses.BY_TORCH_FUNCTION if not hasattr(torch.nn.functional, name)]
    assert not [name for name in losses.BY_KERAS if not hasattr(keras.losses, name)]
    assert not [name for name in schedules.BY_TORCH if not hasattr(torch.optim.lr_scheduler, name)]


def test_the_lines_read_as_people_write_them() -> None:
    common = {"lr": 0.1, "weight_decay": 0.01, "decoupled_weight_decay": True}
    adam = Setting("adam", {**common, "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False})
    fields = {"weight": None, "ignore_index": -100, "label_smoothing": 0.0, "reduction": "mean"}
    loss = Setting("cross_entropy", {**fields, "outputs": "logits", "targets": None})
    setup = Setup(adam, loss, Setting("step", {"step_size": 30, "gamma": 0.1}))

    assert keras_compile(setup, steps_per_epoch=500).lines == (
        "steps_per_epoch = 500",
        "schedule = keras.optimizers.schedules.ExponentialDecay(",
        "    initial_learning_rate=0.1,",
        "    decay_steps=30 * steps_per_epoch,",
        "    decay_rate=0.1,",
        "    staircase=True,",
        ")",
        "optimizer = keras.optimizers.AdamW(",
        "    learning_rate=schedule,",
        "    beta_1=0.9,",
        "    beta_2=0.999,",
        "    epsilon=1e-08,",
        "    weight_decay=0.01,",
        ")",
        "loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-100)",
        "model.compile(optimizer=optimizer, loss=loss)",
        "fit = {}",
    )
    assert torch_training(setup).lines == (
        "optimizer = torch.optim.AdamW(",
        "    model.parameters(),",
        "    lr=0.1,",
        "    betas=(0.9, 0.999),",
        "    eps=1e-08,",
        "    weight_decay=0.01,",
        ")",
        "loss = torch.nn.CrossEntropyLoss()",
        "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)",
    )


def test_notes_of_the_reader_are_among_the_differences() -> None:
    setup = Setup(loss=Setting("mse", {"reduction": "mean"}), notes=("seen",))
    assert keras_compile(setup).differences[0] == "seen"
    assert torch_training(setup).differences == ("seen",)
    assert torch_training(setup).lines == ("optimizer = None", "loss = torch.nn.MSELoss()", "scheduler = None")
