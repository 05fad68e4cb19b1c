"""What Keras models are compiled with, read; what no rule knows is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.errors import Unsupported
from homolog.keras.learning_setup import read
from homolog.rules.training import Setting, Setup, torch_training


def dense(**arguments: Any) -> Any:
    import keras

    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, **arguments)])


def compiled(optimizer: Any = "sgd", loss: Any = "mse", **arguments: Any) -> Any:
    model = dense()
    model.compile(optimizer, loss, **arguments)
    return model


def optimizer(name: str, **arguments: Any) -> Any:
    import keras

    return getattr(keras.optimizers, name)(**arguments)


def test_a_model_that_was_not_compiled_has_no_setup() -> None:
    assert read(dense()) == Setup()


def test_an_optimiser_is_read_in_the_words_of_pytorch() -> None:
    setup = read(compiled(optimizer("AdamW", learning_rate=0.1, beta_1=0.8, weight_decay=0.2)))
    common = {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True}
    assert setup.optimizer == Setting("adam", {**common, "betas": (0.8, 0.999), "eps": 1e-7, "amsgrad": False})
    assert read(compiled(optimizer("Adam", learning_rate=0.1, beta_1=0.8, weight_decay=0.2))) == setup
    assert setup.schedule is None
    assert setup.notes == ()


def test_a_name_is_an_optimiser_with_its_defaults() -> None:
    setup = read(compiled("rmsprop"))
    assert setup.optimizer is not None
    assert setup.optimizer.kind == "rmsprop"
    assert setup.optimizer.fields["lr"] == 0.001  # which Keras keeps in float32
    assert setup.optimizer.fields["alpha"] == 0.9
    assert setup.optimizer.fields["eps"] == pytest.approx(1e-7**0.5)


def test_nadam_has_the_momentum_decay_that_keras_has_built_in() -> None:
    setup = read(compiled("nadam"))
    assert setup.optimizer is not None
    assert setup.optimizer.fields["momentum_decay"] == 1.0


@pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", "SparseCategoricalCrossentropy", "function", "object"]
)
def test_a_loss_is_read_however_it_is_given(loss: str) -> None:
    import keras

    given: Any = {
        "function": keras.losses.sparse_categorical_crossentropy,
        "object": keras.losses.SparseCategoricalCrossentropy(),
    }.get(loss, loss)
    setup = read(compiled(loss=given))
    assert setup.loss is not None
    assert setup.loss.kind == "cross_entropy"
    assert (setup.loss.fields["outputs"], setup.loss.fields["targets"]) == ("probabilities", "indices")


def test_delta_is_read_though_the_configuration_leaves_it_out() -> None:
    import keras

    setup = read(compiled(loss=keras.losses.Huber(delta=0.3)))
    assert setup.loss is not None
    assert setup.loss.fields["delta"] == 0.3


def test_what_an_optimiser_has_gathered_is_named() -> None:
    model = compiled("adam")
    model.train_on_batch(np.ones((1, 3)), np.ones((1, 2)))
    (note,) = read(model).notes
    assert note.startswith("the optimiser has made 1 updates")


@pytest.mark.parametrize("name", ["Lion", "Ftrl", "Adafactor", "Lamb"])
def test_an_optimiser_without_a_rule_is_refused(name: str) -> None:
    with pytest.raises(Unsupported, match="an optimiser is of a class that no rule knows") as caught:
        read(compiled(optimizer(name)))
    assert caught.value.found == name


@pytest.mark.parametrize(
    ("setting", "value"), [("use_ema", True), ("loss_scale_factor", 128.0), ("gradient_accumulation_steps", 4)]
)
def test_a_setting_that_pytorch_has_not_is_refused(setting: str, value: Any) -> None:
    with pytest.raises(Unsupported, match="an optimiser is configured in a way that no rule knows") as caught:
        read(compiled(optimizer("SGD", **{setting: value})))
    assert caught.value.found == f"{setting}={value!r}"


def test_weights_that_are_left_out_of_weight_decay_are_refused() -> None:
    made = optimizer("AdamW")
    made.exclude_from_weight_decay(var_names=["bias"])
    with pytest.raises(Unsupported) as caught:
        read(compiled(made))
    assert caught.value.found == "exclude_from_weight_decay='called'"


def test_a_rate_of_the_users_code_is_refused() -> None:
    import keras

    def rate() -> float:
        return 0.1

    class Own(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc,name-defined]
        def __call__(self, step: Any) -> float:
            return 0.1

        def get_config(self) -> dict[str, Any]:
            return {}

    with pytest.raises(Unsupported, match="an optimiser is configured"):
        read(compiled(optimizer("SGD", learning_rate=rate)))
    with pytest.raises(Unsupported, match="a schedule is of a class that no rule knows") as caught:
        read(compiled(optimizer("SGD", learning_rate=Own())))
    assert caught.value.found == "Own"


@pytest.mark.parametrize("loss", ["kl_divergence", "hinge", "log_cosh", "cosine_similarity"])
def test_a_loss_without_a_rule_is_refused(loss: str) -> None:
    with pytest.raises(Unsupported, match="a loss is of a class that no rule knows"):
        read(compiled(loss=loss))


def test_a_loss_of_ones_own_is_not_what_it_is_called() -> None:
    def mse(targets: Any, outputs: Any) -> Any:
        return outputs - targets

    with pytest.raises(Unsupported, match="a loss is of a class that no rule knows"):
        read(compiled(loss=mse))


def test_settings_of_a_loss_that_no_rule_knows_are_refused() -> None:
    import keras

    for loss, found in (
        (keras.losses.MeanSquaredError(reduction=None), "reduction=None"),
        (keras.losses.CategoricalCrossentropy(axis=1), "axis=1"),
    ):
        with pytest.raises(Unsupported, match="a loss is configured in a way that no rule knows") as caught:
            read(compiled(loss=loss))
        assert caught.value.found == found
    with pytest.raises(Unsupported, match="weights of its losses"):
        read(compiled(loss_weights=[0.5]))


def test_several_losses_are_refused() -> None:
    with pytest.raises(Unsupported, match="a loss is of a class that no rule knows"):
        read(compiled(loss=["mse"]))


def test_a_sum_of_averages_is_refused_in_pytorch() -> None:
    import keras

    with pytest.raises(Unsupported, match="a loss cannot be carried over") as caught:
        torch_training(read(compiled(loss=keras.losses.MeanSquaredError(reduction="sum"))))
    assert caught.value.found == "reduction='sum'"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"kernel_regularizer": "l2"}, "L2"),
        ({"kernel_regularizer": "l1", "bias_regularizer": "l1"}, "L1"),
        ({"activity_regularizer": "l2"}, "penalties on activations"),
    ],
)
def test_penalties_that_are_no_weight_decay_are_refused(arguments: dict[str, Any], found: str) -> None:
    model = dense(**arguments)
    model.compile("sgd", "mse")
    with pytest.raises(Unsupported, match="a model has penalties on some of its weights") as caught:
        read(model)
    assert found in str(caught.value.found)


def test_a_plateau_that_leaves_its_direction_open_is_refused() -> None:
    import keras

    made = keras.callbacks.ReduceLROnPlateau(monitor="val_accuracy")
    with pytest.raises(Unsupported, match="whether less is better"):
        read(compiled(), [made])
    setup = read(compiled(), [keras.callbacks.History(), keras.callbacks.ReduceLROnPlateau()])
    assert setup.schedule is not None
    assert (setup.schedule.fields["mode"], setup.schedule.fields["patience"]) == ("min", 9)
