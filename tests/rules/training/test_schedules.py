"""Schedules, by the rate that either framework's optimiser has at every step."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from homolog.errors import Unsupported, Usage
from homolog.rules.training import Setting, Setup, keras_compile, torch_training

from .nets import run, torch_net

Make = Callable[[Any, Any], Any]
LR = 0.2
EPOCHS = 14
WITH_A_SCHEDULE = "learning rate: PyTorch's scheduler moves when your loop calls it"


def scheduler(name: str, *positional: Any, **arguments: Any) -> Make:
    return lambda optimizer, kinds: getattr(kinds, name)(optimizer, *positional, **arguments)


def warmed(optimizer: Any, kinds: Any) -> Any:
    parts = [kinds.LinearLR(optimizer, 0.1, total_iters=3), kinds.CosineAnnealingLR(optimizer, 10, 0.01)]
    return kinds.SequentialLR(optimizer, parts, [3])


def three_parts(optimizer: Any, kinds: Any) -> Any:
    parts = [
        kinds.ConstantLR(optimizer, 0.5, 2),
        kinds.PolynomialLR(optimizer, 4, 2.0),
        kinds.MultiStepLR(optimizer, [2, 4], 0.3),
    ]
    return kinds.SequentialLR(optimizer, parts, [3, 6])


def made(make: Make, **settings: Any) -> tuple[Any, Any]:
    """An optimiser and its scheduler."""
    import torch

    optimizer = torch.optim.SGD(torch_net().parameters(), lr=LR, **settings)
    return optimizer, make(optimizer, torch.optim.lr_scheduler)


def rates_in_torch(optimizer: Any, scheduler: Any, steps: int) -> list[float]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nothing is trained in between
        for number in range(steps):
            found.append(float(optimizer.param_groups[0]["lr"]))
            if number < steps - 1:
                scheduler.step()
    return found


def rates_in_keras(written: Any, steps: int) -> list[float]:
    """Of the optimiser that was compiled, before each of so many updates."""
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    optimizer = run(written, model)["optimizer"]
    found = []
    for step in range(steps):
        optimizer.iterations.assign(step)
        found.append(float(np.asarray(optimizer.learning_rate)))
    return found


def carried(make: Make, **arguments: Any) -> tuple[Any, list[float]]:
    """What is written, and the rates of each epoch in PyTorch."""
    from homolog.pytorch.learning_setup import read

    optimizer, schedule = made(make)
    written = keras_compile(read(optimizer, scheduler=schedule), **arguments)
    return written, rates_in_torch(optimizer, schedule, EPOCHS)


SAME = (
    scheduler("StepLR", 4, gamma=0.3),
    scheduler("MultiStepLR", [2, 7, 7, 9], gamma=0.5),
    scheduler("ExponentialLR", 0.8),
    scheduler("ConstantLR", 0.25, total_iters=5),
    scheduler("LinearLR", 0.1, 0.9, total_iters=6),
    scheduler("PolynomialLR", 8, power=1.7),
    scheduler("CosineAnnealingLR", 13, eta_min=0.02),
    warmed,
    three_parts,
)


@pytest.mark.parametrize("make", SAME)
@pytest.mark.parametrize("steps", [1, 5])
def test_every_update_of_every_epoch_has_the_same_rate_in_keras(make: Make, steps: int) -> None:
    written, here = carried(make, steps_per_epoch=steps)
    there = rates_in_keras(written, EPOCHS * steps)
    np.testing.assert_allclose(np.reshape(there, (EPOCHS, steps)), np.repeat(here, steps).reshape(-1, steps), rtol=3e-6)
    named = [text for text in written.differences if "no loss was given" not in text and "rises again" not in text]
    assert len(named) == 1
    assert named[0].startswith(WITH_A_SCHEDULE)


def test_a_cosine_that_is_cut_off_late_rises_within_a_sequence() -> None:
    def make(optimizer: Any, kinds: Any) -> Any:
        return kinds.SequentialLR(optimizer, [kinds.CosineAnnealingLR(optimizer, 4), kinds.ConstantLR(optimizer)], [7])

    written, here = carried(make, steps_per_epoch=2)
    np.testing.assert_allclose(rates_in_keras(written, EPOCHS * 2)[::2], here, rtol=1e-5, atol=1e-9)
    assert here[6] > here[4]


def test_a_cosine_rises_again_in_pytorch_alone() -> None:
    written, here = carried(scheduler("CosineAnnealingLR", 6), steps_per_epoch=1)
    there = rates_in_keras(written, EPOCHS)
    assert any(
        text.startswith("T_max=6: at the end of the cosine PyTorch's rate rises again") for text in written.differences
    )
    np.testing.assert_allclose(there[:7], here[:7], rtol=1e-5, atol=1e-9)
    assert max(there[7:]) < 1e-6
    assert max(here[7:]) > 0.1


@pytest.mark.parametrize("times", [1, 2])
def test_warm_restarts_are_the_same_at_the_beginning_of_each_epoch(times: int) -> None:
    restarts = scheduler("CosineAnnealingWarmRestarts", 3, times, 0.01)
    written, here = carried(restarts, steps_per_epoch=4)
    there = rates_in_keras(written, EPOCHS * 4)
    assert any(text.startswith("CosineAnnealingWarmRestarts: PyTorch holds the rate") for text in written.differences)
    rounded = any(
        text.startswith(f"T_mult={times}: Keras finds the epoch of a restart") for text in written.differences
    )
    assert rounded == (times != 1)
    np.testing.assert_allclose(there[::4], here, rtol=1e-4)
    assert abs(there[3] - here[0]) > 0.01

    step_by_step, _ = carried(restarts, steps_per_epoch=1)
    assert not any("holds the rate" in text for text in step_by_step.differences)
    np.testing.assert_allclose(rates_in_keras(step_by_step, EPOCHS), here, rtol=1e-4)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("three", [False, True])
def test_one_cycle_is_a_callback(strategy: str, three: bool) -> None:
    import keras

    one_cycle = scheduler(
        "OneCycleLR", 0.3, EPOCHS, anneal_strategy=strategy, three_phase=three, cycle_momentum=False, pct_start=0.4
    )
    written, here = carried(one_cycle)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    names = run(written, model)
    model.loss = "mse"
    model.compile(names["optimizer"], "mse")
    there: list[float] = []

    class Watched(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            there.append(float(np.asarray(model.optimizer.learning_rate)))

    x = np.zeros((EPOCHS // 2, 1))
    model.fit(x, x, batch_size=1, epochs=2, verbose=0, callbacks=[*names["fit"]["callbacks"], Watched()])

    np.testing.assert_allclose(there, here, rtol=1e-5)
    assert not any(text.startswith("cycle_momentum") for text in written.differences)


def test_a_momentum_that_cycles_is_named() -> None:
    from homolog.pytorch.learning_setup import read

    optimizer, schedule = made(scheduler("OneCycleLR", 0.3, EPOCHS), momentum=0.9)
    setup = read(optimizer, scheduler=schedule)
    first = optimizer.param_groups[0]["momentum"]
    rates_in_torch(optimizer, schedule, 5)
    assert optimizer.param_groups[0]["momentum"] != first
    written = keras_compile(setup)
    assert any(
        text.startswith("cycle_momentum=True: PyTorch moves the momentum between 0.85") for text in written.differences
    )


VALUES = [1.0, 0.8, 0.85, 0.84, 0.83, 0.9, 0.7, 0.71, 0.72, 0.69, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.5, 0.6, 0.6]


@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize("cooldown", [0, 1, 2])
@pytest.mark.parametrize(("mode", "sign"), [("min", 1.0), ("max", -1.0)])
def test_a_plateau_is_a_callback_that_lowers_the_rate_after_the_same_epochs(
    patience: int, cooldown: int, mode: str, sign: float
) -> None:
    import keras
    from homolog.keras.learning_setup import read as read_keras
    from homolog.pytorch.learning_setup import read

    arguments: dict[str, Any] = {"factor": 0.5, "min_lr": 0.01, "threshold": 0.015, "threshold_mode": "abs"}
    plateau = scheduler("ReduceLROnPlateau", mode, patience=patience, cooldown=cooldown, eps=0.0, **arguments)
    optimizer, schedule = made(plateau)
    written = keras_compile(read(optimizer, scheduler=schedule))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    (callback,) = run(written, model)["fit"]["callbacks"]
    callback.set_model(model)
    callback.on_train_begin()
    setup = read_keras(model, [callback])
    twin_net = torch_net()
    twin = run(torch_training(setup), twin_net)
    here, there, again = [], [], []
    for epoch, value in enumerate(VALUES):
        schedule.step(value * sign)
        callback.on_epoch_end(epoch, {"val_loss": value * sign})
        twin["scheduler"].step(value * sign)
        here.append(float(optimizer.param_groups[0]["lr"]))
        there.append(float(np.asarray(model.optimizer.learning_rate)))
        again.append(float(twin["optimizer"].param_groups[0]["lr"]))

    assert len(set(here)) > 2 or patience == 3
    np.testing.assert_allclose(there, here, rtol=1e-6)
    np.testing.assert_allclose(again, here, rtol=1e-6)


def test_what_a_plateau_does_otherwise_is_named() -> None:
    written, _ = carried_plateau(threshold_mode="rel")
    assert any(text.startswith("ReduceLROnPlateau: what PyTorch's is given") for text in written.differences)
    assert any(text.startswith("threshold=0.0001 with threshold_mode='rel'") for text in written.differences)
    assert any(text.startswith("eps=1e-08: PyTorch leaves the rate") for text in written.differences)


def carried_plateau(**arguments: Any) -> tuple[Any, Any]:
    from homolog.pytorch.learning_setup import read

    optimizer, schedule = made(scheduler("ReduceLROnPlateau", **arguments))
    return keras_compile(read(optimizer, scheduler=schedule)), schedule


def test_a_relative_threshold_is_another_one() -> None:
    """Values near 1000: a share of 0.01 is 10 of them."""
    import keras

    written, schedule = carried_plateau(threshold_mode="rel", threshold=0.01, patience=2)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    (callback,) = run(written, model)["fit"]["callbacks"]
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(6):
        schedule.step(1000.0 - epoch)
        callback.on_epoch_end(epoch, {"val_loss": 1000.0 - epoch})
    assert schedule.optimizer.param_groups[0]["lr"] < LR
    assert float(np.asarray(model.optimizer.learning_rate)) == pytest.approx(LR)


def keras_schedule(name: str, *positional: Any, **arguments: Any) -> Callable[[], Any]:
    def make() -> Any:
        import keras

        return getattr(keras.optimizers.schedules, name)(*positional, **arguments)

    return make


BACK = (
    keras_schedule("ExponentialDecay", 0.2, 4, 0.5),
    keras_schedule("ExponentialDecay", 0.2, 4, 0.5, staircase=True),
    keras_schedule("PiecewiseConstantDecay", [3, 6], [0.2, 0.05, 0.3]),
    keras_schedule("PiecewiseConstantDecay", [3, 6], [0.0, 0.05, 0.3]),
    keras_schedule("PolynomialDecay", 0.2, 9, 0.01, power=2.0),
    keras_schedule("PolynomialDecay", 0.2, 9, 0.0, power=0.5),
    keras_schedule("InverseTimeDecay", 0.2, 4, 0.7),
    keras_schedule("InverseTimeDecay", 0.2, 4, 0.7, staircase=True),
    keras_schedule("CosineDecay", 0.2, 13, alpha=0.1),
    keras_schedule("CosineDecay", 0.0, 8, alpha=0.1, warmup_target=0.2, warmup_steps=4),
    keras_schedule("CosineDecay", 0.1, 13, alpha=0.1, warmup_target=0.2),
    keras_schedule("CosineDecayRestarts", 0.2, 3, t_mul=2.0, alpha=0.05),
    keras_schedule("CosineDecayRestarts", 0.2, 4, t_mul=1.0),
)


@pytest.mark.parametrize("make", BACK)
def test_a_schedule_of_keras_has_the_same_rates_in_pytorch_and_in_keras_again(make: Callable[[], Any]) -> None:
    import keras
    from homolog.keras.learning_setup import read

    schedule = make()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(schedule), "mse")
    there = [float(np.asarray(schedule(step))) for step in range(EPOCHS)]
    setup = read(model)
    written = torch_training(setup)
    names = run(written, torch_net())

    here = rates_in_torch(names["optimizer"], names["scheduler"], EPOCHS)
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-7)
    assert written.differences[0].startswith("learning rate: Keras's schedule moves with every update")
    again = rates_in_keras(keras_compile(setup, steps_per_epoch=1), EPOCHS)
    np.testing.assert_allclose(again, there, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (keras_schedule("PolynomialDecay", 0.2, 9, cycle=True), "cycle=True"),
        (keras_schedule("CosineDecayRestarts", 0.2, 9, m_mul=0.5), "m_mul=0.5"),
        (keras_schedule("CosineDecayRestarts", 0.2, 9, t_mul=1.5), "t_mul=1.5"),
    ],
)
def test_what_pytorch_cannot_be_given_is_refused(make: Callable[[], Any], found: str) -> None:
    import keras
    from homolog.keras.learning_setup import read

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(make()), "mse")
    with pytest.raises(Unsupported, match="a schedule is configured in a way that PyTorch has not") as caught:
        read(model)
    assert caught.value.found == found


def test_a_schedule_needs_to_know_how_long_an_epoch_is() -> None:
    with pytest.raises(Usage, match="needs steps_per_epoch"):
        carried(scheduler("StepLR", 4))


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (scheduler("LinearLR", 0.1, total_iters=5000), "LinearLR"),
        (
            lambda optimizer, kinds: kinds.SequentialLR(
                optimizer, [kinds.LinearLR(optimizer), kinds.ExponentialLR(optimizer, 0.9)], [5]
            ),
            "ExponentialLR",
        ),
    ],
)
def test_a_schedule_that_cannot_be_listed_is_refused(make: Make, where: str) -> None:
    with pytest.raises(Unsupported, match="a schedule cannot be carried over to Keras") as caught:
        carried(make, steps_per_epoch=7)
    assert caught.value.where == where


def test_a_schedule_without_an_optimiser_is_refused_on_both_sides() -> None:
    setup = Setup(schedule=Setting("exponential", {"gamma": 0.5}))
    for write in (keras_compile, torch_training):
        with pytest.raises(Usage, match="needs an optimiser"):
            write(setup)
