"""Optimisers, by real steps in both frameworks: what is not named does not differ, and what is named does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homolog.errors import Unsupported
from homolog.rules.training import Setting, Setup, keras_compile, torch_training

from .nets import X, Y, apart, float64, keras_net, run, steps_in_keras, steps_in_torch, torch_net

Make = Callable[[Any], Any]
LOSS = Setting("mse", {"reduction": "mean"})
STEPS = 8
EXACT = 2e-5
"""Share of the way gone that may be rounded off: Keras brings constants such as 1 - beta2 in by float32."""


def both(make: Make, scale: float = 1.0, schedule: Make | None = None, every: int = 1) -> tuple[float, list[str]]:
    """How far both frameworks part with a PyTorch optimiser, and the differences that are named."""
    from homolog.pytorch.learning_setup import read

    net = torch_net(scale)
    optimizer = make(net.parameters())
    scheduler = schedule and schedule(optimizer)
    setup = read(optimizer, _mse(), scheduler, net)
    targets = Y * scale
    with float64():
        twin = keras_net(scale)
        written = keras_compile(setup, steps_per_epoch=every if schedule else None)
        run(written, twin)
        there = steps_in_keras(twin, STEPS, targets)
    here = steps_in_torch({"optimizer": optimizer, "scheduler": scheduler, "loss": _mse()}, net, STEPS, targets)
    return apart(here, there), list(written.differences)


def back(make: Callable[[Any], Any], scale: float = 1.0, **net_arguments: Any) -> tuple[float, list[str]]:
    """The same from a Keras optimiser."""
    import keras
    from homolog.keras.learning_setup import read

    targets = Y * scale
    with float64():
        net = keras_net(scale, **net_arguments)
        net.compile(make(keras), loss="mse")
        setup = read(net)
        there = steps_in_keras(net, STEPS, targets)
    twin = torch_net(scale)
    written = torch_training(setup)
    here = steps_in_torch(run(written, twin), twin, STEPS, targets)
    return apart(here, there), list(written.differences)


def _mse() -> Any:
    import torch

    return torch.nn.MSELoss()


def optim(name: str, **arguments: Any) -> Make:
    def make(parameters: Any) -> Any:
        import torch

        return getattr(torch.optim, name)(parameters, **arguments)

    return make


def keras_optim(name: str, **arguments: Any) -> Make:
    return lambda keras: getattr(keras.optimizers, name)(**arguments)


SAME = (
    optim("SGD", lr=0.1),
    optim("SGD", lr=0.1, momentum=0.8),
    optim("SGD", lr=0.1, momentum=0.8, nesterov=True),
    optim("SGD", lr=0.1, weight_decay=0.3),
    optim("SGD", lr=0.1, dampening=0.5),
    optim("Adam", lr=0.03, betas=(0.8, 0.95), eps=0.0),
    optim("Adam", lr=0.03, betas=(0.8, 0.6), eps=0.0, amsgrad=True),
    optim("AdamW", lr=0.03, betas=(0.8, 0.95), eps=0.0, weight_decay=0.4, amsgrad=True),
    optim("Adam", lr=0.03, eps=0.0, weight_decay=0.4, decoupled_weight_decay=True),
    optim("RMSprop", lr=0.01, alpha=0.7, eps=0.0, momentum=0.6, centered=True),
    optim("Adagrad", lr=0.1, initial_accumulator_value=0.2, eps=0.0),
    optim("Adadelta", lr=0.9, rho=0.8, eps=1e-3),
    optim("Adamax", lr=0.03, betas=(0.8, 0.9), eps=0.0),
    optim("NAdam", lr=0.03, betas=(0.8, 0.95), momentum_decay=1.0),
    optim("NAdam", lr=0.03, momentum_decay=1.0, weight_decay=0.4, decoupled_weight_decay=True),
)


@pytest.mark.parametrize("make", SAME)
def test_what_has_no_difference_trains_alike_in_keras(make: Make) -> None:
    deviation, differences = both(make)
    assert not differences
    assert deviation < EXACT


PENALISED = (
    optim("SGD", lr=0.1, momentum=0.8, weight_decay=0.3),
    optim("SGD", lr=0.1, momentum=0.8, weight_decay=0.3, nesterov=True),
    optim("Adam", lr=0.03, eps=0.0, weight_decay=0.3),
    optim("RMSprop", lr=0.01, eps=0.0, weight_decay=0.3),
    optim("Adagrad", lr=0.1, initial_accumulator_value=0.2, eps=0.0, weight_decay=0.3),
    optim("Adadelta", lr=0.9, weight_decay=0.3),
    optim("Adamax", lr=0.03, eps=0.0, weight_decay=0.3),
    optim("NAdam", lr=0.03, momentum_decay=1.0, weight_decay=0.3),
)


@pytest.mark.parametrize("make", PENALISED)
def test_weight_decay_in_the_gradient_becomes_a_penalty_and_trains_alike(make: Make) -> None:
    deviation, (difference,) = both(make)
    assert difference.startswith("weight_decay=0.3: PyTorch adds it times the weight to the gradient")
    assert deviation < EXACT


def test_the_weight_decay_of_keras_would_not_train_alike() -> None:
    """Why it is written as a penalty."""
    from homolog.pytorch.learning_setup import read

    net = torch_net()
    optimizer = optim("SGD", lr=0.1, momentum=0.8, weight_decay=0.3)(net.parameters())
    setup = read(optimizer, _mse())
    assert setup.optimizer is not None
    decoupled = Setting("sgd", {**setup.optimizer.fields, "decoupled_weight_decay": True})
    with float64():
        twin = keras_net()
        run(keras_compile(Setup(decoupled, LOSS)), twin)
        there = steps_in_keras(twin, STEPS, Y)
    here = steps_in_torch({"optimizer": optimizer, "loss": _mse()}, net, STEPS, Y)
    assert apart(here, there) > 0.01


DIFFERENT = (
    # optimiser, what its difference begins with, a scale of gradients at which it shows as much, the most at scale 1
    (optim("Adam", lr=0.01, eps=1e-8), "eps=1e-08: PyTorch adds it to the corrected root", 1e-4, 0.5, 1e-3),
    (optim("RMSprop", lr=0.01, eps=1e-6), "eps=1e-06: PyTorch adds it to the root", 1e-3, 0.1, 0.01),
    (optim("Adagrad", lr=0.1, eps=1e-6), "eps=1e-06: PyTorch adds it to the root", 1e-3, 0.1, 0.01),
    (optim("Adamax", lr=0.01, eps=1e-8), "eps=1e-08: PyTorch adds it to each gradient", 1e-4, 1e-3, EXACT),
    (optim("NAdam", lr=0.01), "momentum_decay=0.004: Keras has no such setting", 1.0, 0.05, 1.0),
)


@pytest.mark.parametrize(("make", "words", "small", "least", "most"), DIFFERENT)
def test_a_named_difference_is_one(make: Make, words: str, small: float, least: float, most: float) -> None:
    deviation, (difference,) = both(make, small)
    assert difference.startswith(words)
    assert deviation > least
    assert both(make)[0] < most


def test_a_velocity_differs_after_a_drop_of_the_rate_and_not_before() -> None:
    import torch

    def schedule(after: int) -> Make:
        return lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, after, gamma=0.1)

    momentum = optim("SGD", lr=0.1, momentum=0.8)
    late, differences = both(momentum, schedule=schedule(STEPS))
    early, _ = both(momentum, schedule=schedule(3))
    without, named = both(optim("SGD", lr=0.1), schedule=schedule(3))

    assert any(text.startswith("momentum=0.8 with a schedule: PyTorch multiplies the velocity") for text in differences)
    assert early > 0.01
    assert late < EXACT
    assert without < EXACT
    assert not any("velocity" in text for text in named)


BACK = (
    keras_optim("SGD", learning_rate=0.1, momentum=0.8, nesterov=True),
    keras_optim("SGD", learning_rate=0.1, weight_decay=0.4),
    keras_optim("SGD", learning_rate=0.1, momentum=0.8, weight_decay=0.4),
    keras_optim("Adam", learning_rate=0.03, beta_1=0.8, beta_2=0.95, epsilon=0.0, amsgrad=True),
    keras_optim("Adam", learning_rate=0.03, epsilon=0.0, weight_decay=0.4),
    keras_optim("AdamW", learning_rate=0.03, epsilon=0.0, weight_decay=0.4),
    keras_optim("RMSprop", learning_rate=0.01, rho=0.7, momentum=0.6, epsilon=0.0, centered=True, weight_decay=0.4),
    keras_optim("Adagrad", learning_rate=0.1, epsilon=0.0, weight_decay=0.4),
    keras_optim("Adadelta", learning_rate=0.9, rho=0.8),
    keras_optim("Adamax", learning_rate=0.03, epsilon=0.0),
    keras_optim("Nadam", learning_rate=0.03, beta_1=0.8, weight_decay=0.4),
    keras_optim("SGD", learning_rate=0.1, clipvalue=0.05),
    keras_optim("SGD", learning_rate=0.1, momentum=0.8, clipvalue=0.05, weight_decay=0.4),
)


@pytest.mark.parametrize("make", BACK)
def test_what_has_no_difference_trains_alike_in_pytorch(make: Make) -> None:
    deviation, differences = back(make)
    assert not differences
    assert deviation < EXACT


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (keras_optim("SGD", learning_rate=0.1, clipnorm=0.1), "clipnorm=0.1: PyTorch divides by the norm + 1e-6"),
        (keras_optim("SGD", learning_rate=0.1, global_clipnorm=0.1), "global_clipnorm=0.1: PyTorch divides by"),
    ],
)
def test_a_clipped_norm_differs_by_the_number_that_is_named(make: Make, words: str) -> None:
    deviation, (difference,) = back(make)
    assert difference.startswith(words)
    assert 1e-8 < deviation < 1e-4


def test_a_penalty_is_clipped_as_is_named() -> None:
    """Clipped weight decay in Keras; in PyTorch it is added afterwards."""
    from homolog.pytorch.learning_setup import read

    net = torch_net()
    optimizer = optim("SGD", lr=0.1, momentum=0.8, weight_decay=0.3)(net.parameters())
    setup = replace(read(optimizer, _mse()), clip=Setting("global_norm", {"max_norm": 0.1}))
    with float64():
        twin = keras_net()
        written = keras_compile(setup)
        run(written, twin)
        there = steps_in_keras(twin, STEPS, Y)
    again = torch_training(setup)
    here = steps_in_torch(run(again, net), net, STEPS, Y)
    assert any(text.startswith("weight_decay=0.3 with clipping: Keras clips") for text in written.differences)
    assert apart(here, there) > 0.01


def test_a_saved_model_keeps_all_but_the_penalty_as_is_named(tmp_path: Path) -> None:
    import torch

    import keras
    from homolog.pytorch.learning_setup import read

    optimizer = optim("SGD", lr=0.1, momentum=0.8, weight_decay=0.3)(torch_net().parameters())
    kinds = torch.optim.lr_scheduler
    parts = [kinds.LinearLR(optimizer, 0.1, total_iters=3), kinds.CosineAnnealingLR(optimizer, 9, 0.01)]
    schedule = kinds.SequentialLR(optimizer, parts, [3])
    net = keras_net()
    run(keras_compile(read(optimizer, _mse(), schedule), steps_per_epoch=5), net)
    net.train_on_batch(X, Y)
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")

    assert len(net.losses) == 4
    assert loaded.losses == []
    assert type(loaded.optimizer._learning_rate) is type(net.optimizer._learning_rate)
    assert loaded.optimizer.get_config() == net.optimizer.get_config()


def test_clipping_matters_here() -> None:
    """The tests above would pass without it, were the gradients smaller."""
    from homolog.keras.learning_setup import read

    with float64():
        net = keras_net()
        import keras

        net.compile(keras.optimizers.SGD(0.1, clipnorm=0.1), loss="mse")
        setup = read(net)
        there = steps_in_keras(net, STEPS, Y)
    assert setup.clip == Setting("norm", {"max_norm": 0.1})
    twin = torch_net()
    here = steps_in_torch(run(torch_training(Setup(setup.optimizer, LOSS)), twin), twin, STEPS, Y)
    assert apart(here, there) > 0.01


def test_a_setup_that_clips_is_written_for_keras_too() -> None:
    from homolog.keras.learning_setup import read

    with float64():
        net = keras_net()
        import keras

        net.compile(keras.optimizers.SGD(0.1, momentum=0.5, clipnorm=0.1, weight_decay=0.1), loss="mse")
        written = keras_compile(read(net))
        there = steps_in_keras(net, STEPS, Y)
        twin = keras_net()
        run(written, twin)
        assert apart(there, steps_in_keras(twin, STEPS, Y)) < EXACT


DIFFERENT_BACK = (
    (keras_optim("Adam", learning_rate=0.01), "eps=1e-07: PyTorch adds it to the corrected root", 1e-3, 0.5, 0.01),
    (keras_optim("RMSprop", learning_rate=0.01), "eps=0.000316: PyTorch adds it to the root", 0.01, 0.1, 0.41),
    (keras_optim("Adagrad", learning_rate=0.1), "eps=0.000316: PyTorch adds it to the root", 1e-3, 1e-4, 0.01),
    (keras_optim("Adamax", learning_rate=0.01), "eps=1e-07: PyTorch adds it to each gradient", 1e-3, 5e-4, EXACT),
)


@pytest.mark.parametrize(("make", "words", "small", "least", "most"), DIFFERENT_BACK)
def test_a_named_difference_on_the_way_back_is_one(
    make: Make, words: str, small: float, least: float, most: float
) -> None:
    deviation, (difference,) = back(make, small)
    assert difference.startswith(words)
    assert deviation > least
    assert back(make)[0] < most


def test_one_penalty_on_all_weights_becomes_weight_decay() -> None:
    deviation, (difference,) = back(keras_optim("SGD", learning_rate=0.1, momentum=0.8), l2=0.15)
    assert difference.startswith(
        "every trainable weight has a penalty of 0.15 on its square: it becomes weight_decay=0.3"
    )
    assert deviation < EXACT


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (optim("SGD", lr=0.1, momentum=0.8, dampening=0.5), "dampening=0.5"),
        (optim("Adagrad", lr=0.1, lr_decay=0.5), "lr_decay=0.5"),
    ],
)
def test_what_keras_cannot_be_given_is_refused(make: Make, found: str) -> None:
    with pytest.raises(Unsupported, match="an optimiser cannot be carried over to Keras") as caught:
        both(make)
    assert caught.value.found == found
