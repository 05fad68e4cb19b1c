"""Losses, by their values on the same outputs and targets; and what becomes of a softmax that stands twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.errors import Unsupported
from homolog.rules.training import Setup, keras_compile, torch_training
from homolog.tensors import Array

from .nets import run

RANDOM = np.random.default_rng(3)
OUTPUTS = RANDOM.standard_normal((9, 5)).astype(np.float32) * 2
INDICES = RANDOM.integers(0, 5, 9)
IGNORED = np.where(np.arange(9) % 3 == 0, 2, INDICES)
SHARES = RANDOM.dirichlet(np.ones(5), 9).astype(np.float32)
SIGNS = RANDOM.integers(0, 2, (9, 5)).astype(np.float32)
NUMBERS = RANDOM.standard_normal((9, 5)).astype(np.float32)
ENDS = {None: "linear", "softmax": "softmax", "sigmoid": "sigmoid", "log_softmax": "log_softmax"}


def nn(name: str, **arguments: Any) -> Any:
    from torch import nn as layers

    return getattr(layers, name)(**arguments)


def functional(name: str) -> Any:
    from torch.nn import functional

    return getattr(functional, name)


def keras_model(end: str | None = None, shape: tuple[int, ...] = (5,)) -> Any:
    """Gives what it is given, through the activation; a layer in front has weights that could be trained."""
    import keras

    identity = keras.layers.Dense(shape[-1], use_bias=False)
    model = keras.Sequential([keras.Input(shape), identity, keras.layers.Activation(ENDS[end])])
    identity.set_weights([np.eye(shape[-1])])
    return model


def in_torch(loss: Any, outputs: Array, targets: Array, end: str | None = None) -> float:
    import torch

    made = torch.from_numpy(np.ascontiguousarray(outputs))
    if end:
        made = getattr(torch, end)(made, dim=1) if end != "sigmoid" else torch.sigmoid(made)
    return float(loss(made, torch.from_numpy(np.ascontiguousarray(targets))))


def in_keras(written: Any, outputs: Array, targets: Array, end: str | None = None) -> float:
    """The loss that the first step of training reports."""
    model = keras_model(end, outputs.shape[1:])
    fit = run(written, model)["fit"]
    weights = {name: value for name, value in fit.items() if name == "class_weight"}
    return float(model.train_on_batch(outputs, targets, **weights, return_dict=True)["loss"])


def carried(loss: Any, **arguments: Any) -> Any:
    from homolog.pytorch.learning_setup import read

    return keras_compile(read(loss=loss), **arguments)


SAME: tuple[tuple[str, dict[str, Any], Array], ...] = (
    ("MSELoss", {}, NUMBERS),
    ("L1Loss", {}, NUMBERS),
    ("HuberLoss", {}, NUMBERS),
    ("SmoothL1Loss", {}, NUMBERS),
    ("SmoothL1Loss", {"beta": 0.4}, NUMBERS),
    ("SmoothL1Loss", {"beta": 0.0}, NUMBERS),
    ("CrossEntropyLoss", {}, INDICES),
    ("CrossEntropyLoss", {"reduction": "sum"}, INDICES),
    ("BCEWithLogitsLoss", {}, SIGNS),
)
NO_OPTIMIZER = "no optimiser was given: Keras takes RMSprop with a rate of 0.001"


@pytest.mark.parametrize(("name", "arguments", "targets"), SAME)
def test_a_loss_has_the_same_value_in_keras(name: str, arguments: dict[str, Any], targets: Array) -> None:
    loss = nn(name, **arguments)
    written = carried(loss)
    assert [text for text in written.differences if not text.startswith("delta=")] == [NO_OPTIMIZER]
    assert in_keras(written, OUTPUTS, targets) == pytest.approx(in_torch(loss, OUTPUTS, targets), rel=1e-5)


NAMED: tuple[tuple[str, dict[str, Any], Array, str | None, str], ...] = (
    ("HuberLoss", {"delta": 0.3}, NUMBERS, None, "delta=0.3: Keras 3.15 leaves it out of a saved model"),
    ("CrossEntropyLoss", {"ignore_index": 2}, IGNORED, None, "ignore_index=2: of a batch in which all"),
    ("NLLLoss", {"ignore_index": 2}, IGNORED, "log_softmax", "ignore_index=2: of a batch in which all"),
    ("BCELoss", {}, SIGNS, "sigmoid", "PyTorch bounds the logarithm of a probability at -100"),
)


@pytest.mark.parametrize(("name", "arguments", "targets", "end", "words"), NAMED)
def test_a_loss_has_the_same_value_but_for_what_is_named(
    name: str, arguments: dict[str, Any], targets: Array, end: str | None, words: str
) -> None:
    loss = nn(name, **arguments)
    written = carried(loss, ends_in=end)
    _, difference = sorted(written.differences, key=lambda text: text != NO_OPTIMIZER)
    assert difference.startswith(words)
    there, here = in_keras(written, OUTPUTS, targets, end), in_torch(loss, OUTPUTS, targets, end)
    assert there == pytest.approx(here, rel=1e-5)


def test_nothing_is_named_of_a_model_that_ends_in_log_softmax() -> None:
    written = carried(nn("NLLLoss"), ends_in="log_softmax")
    assert written.differences == (NO_OPTIMIZER,)
    there = in_keras(written, OUTPUTS, INDICES, "log_softmax")
    assert there == pytest.approx(in_torch(nn("NLLLoss"), OUTPUTS, INDICES, "log_softmax"), rel=1e-5)


def test_outputs_that_are_no_logarithms_of_probabilities_are_named_and_differ() -> None:
    written = carried(nn("NLLLoss"))
    assert any(text.startswith("NLLLoss takes the outputs as logarithms") for text in written.differences)
    assert abs(in_keras(written, OUTPUTS, INDICES) - in_torch(nn("NLLLoss"), OUTPUTS, INDICES)) > 0.1
    with pytest.raises(Unsupported, match="NLLLoss takes logarithms of probabilities"):
        carried(nn("NLLLoss"), ends_in="softmax")


@pytest.mark.parametrize(
    ("name", "targets", "end"), [("CrossEntropyLoss", INDICES, "softmax"), ("BCEWithLogitsLoss", SIGNS, "sigmoid")]
)
def test_a_function_that_stands_twice_is_named_and_counted_once(name: str, targets: Array, end: str) -> None:
    loss = nn(name)
    written = carried(loss, ends_in=end)
    assert any(f"ends in a {end} and PyTorch's loss takes another of it" in text for text in written.differences)
    there = in_keras(written, OUTPUTS, targets, end)
    assert there == pytest.approx(in_torch(loss, OUTPUTS, targets), rel=1e-5)
    assert abs(there - in_torch(loss, OUTPUTS, targets, end)) > 0.1


@pytest.mark.filterwarnings("ignore:.*received `from_logits=True`")
@pytest.mark.parametrize(
    ("name", "targets", "end"),
    [("CrossEntropyLoss", SHARES, "sigmoid"), ("BCEWithLogitsLoss", SIGNS, "softmax"), ("BCELoss", SIGNS, "softmax")],
)
def test_tensorflow_looks_behind_the_output_as_is_named(name: str, targets: Array, end: str) -> None:
    loss = nn(name)
    written = carried(loss, ends_in=end, targets="probabilities")
    assert any(f"ends in a {end}, which PyTorch's loss takes as it is" in text for text in written.differences)
    assert abs(in_keras(written, OUTPUTS, targets, end) - in_torch(loss, OUTPUTS, targets, end)) > 0.01


def test_it_does_not_where_a_class_is_ignored() -> None:
    loss = nn("CrossEntropyLoss")
    written = carried(loss, ends_in="sigmoid")
    assert written.differences == (NO_OPTIMIZER,)
    there = in_keras(written, OUTPUTS, INDICES, "sigmoid")
    assert there == pytest.approx(in_torch(loss, OUTPUTS, INDICES, "sigmoid"), rel=1e-5)


def test_smoothed_labels_take_one_hot_targets() -> None:
    loss = nn("CrossEntropyLoss", label_smoothing=0.2)
    written = carried(loss)
    assert any(text.startswith("label_smoothing=0.2: Keras smooths one-hot targets") for text in written.differences)
    one_hot = np.eye(5, dtype=np.float32)[INDICES]
    assert in_keras(written, OUTPUTS, one_hot) == pytest.approx(in_torch(loss, OUTPUTS, INDICES), rel=1e-5)


def test_probabilities_as_targets() -> None:
    loss = nn("CrossEntropyLoss", label_smoothing=0.2)
    written = carried(loss, targets="probabilities")
    assert written.differences == (NO_OPTIMIZER,)
    assert in_keras(written, OUTPUTS, SHARES) == pytest.approx(in_torch(loss, OUTPUTS, SHARES), rel=1e-5)


@pytest.mark.parametrize("arguments", [{}, {"reduction": "sum"}, {"ignore_index": 2}])
def test_weights_of_classes(arguments: dict[str, Any]) -> None:
    import torch

    loss = nn("CrossEntropyLoss", weight=torch.tensor([0.5, 2.0, 1.0, 3.0, 0.1]), **arguments)
    written = carried(loss)
    assert any(text.startswith("weight=[0.5, 2.0, 1.0, 3.0, 0.1") for text in written.differences)
    there, here = in_keras(written, OUTPUTS, IGNORED), in_torch(loss, OUTPUTS, IGNORED)
    assert there == pytest.approx(here, rel=1e-5)


def test_a_weight_of_the_positive_class() -> None:
    import torch

    loss = nn("BCEWithLogitsLoss", pos_weight=torch.tensor([2.5]))
    written = carried(loss)
    assert any(text.startswith("pos_weight=2.5: Keras weighs classes in fit") for text in written.differences)
    there = in_keras(written, OUTPUTS[:, :1], SIGNS[:, :1])
    assert there == pytest.approx(in_torch(loss, OUTPUTS[:, :1], SIGNS[:, :1]), rel=1e-5)


def test_maps_have_their_classes_last_in_keras() -> None:
    maps, classes = RANDOM.standard_normal((2, 5, 4, 3)).astype(np.float32), RANDOM.integers(0, 5, (2, 4, 3))
    loss = nn("CrossEntropyLoss", ignore_index=1)
    there = in_keras(carried(loss), np.moveaxis(maps, 1, -1), classes)
    assert there == pytest.approx(in_torch(loss, maps, classes), rel=1e-5)


def test_classes_on_another_axis() -> None:
    maps = RANDOM.standard_normal((2, 5, 4)).astype(np.float32)
    shares = np.moveaxis(RANDOM.dirichlet(np.ones(5), (2, 4)), -1, 1).astype(np.float32)
    loss = nn("CrossEntropyLoss")
    written = carried(loss, class_axis=1, targets="probabilities")
    assert in_keras(written, maps, shares) == pytest.approx(in_torch(loss, maps, shares), rel=1e-5)
    with pytest.raises(Unsupported, match="Keras takes the classes on the last axis"):
        carried(loss, class_axis=1)


@pytest.mark.parametrize(
    ("name", "arguments", "found"),
    [
        ("MSELoss", {"reduction": "sum"}, "reduction='sum'"),
        ("L1Loss", {"reduction": "none"}, "reduction='none'"),
        ("BCEWithLogitsLoss", {"reduction": "sum"}, "reduction='sum'"),
        ("CrossEntropyLoss", {"reduction": "none"}, "reduction='none'"),
        ("CrossEntropyLoss", {"label_smoothing": 0.1, "ignore_index": 2}, "ignore_index=2"),
    ],
)
def test_what_keras_cannot_be_given_is_refused(name: str, arguments: dict[str, Any], found: str) -> None:
    with pytest.raises(Unsupported) as caught:
        carried(nn(name, **arguments))
    assert caught.value.found == found


@pytest.mark.parametrize("extra", [{"label_smoothing": 0.1}, {"targets": "probabilities"}])
def test_weights_that_keras_cannot_be_given_are_refused(extra: dict[str, Any]) -> None:
    import torch

    smoothing = {key: value for key, value in extra.items() if key == "label_smoothing"}
    loss = nn("CrossEntropyLoss", weight=torch.ones(5), **smoothing)
    with pytest.raises(Unsupported) as caught:
        carried(loss, **{key: value for key, value in extra.items() if key == "targets"})
    assert caught.value.found == "weight=(1.0, 1.0, 1.0, 1.0, 1.0)"


def test_several_weights_of_positive_classes_are_refused() -> None:
    import torch

    with pytest.raises(Unsupported, match="a loss cannot be carried over to Keras") as caught:
        carried(nn("BCEWithLogitsLoss", pos_weight=torch.ones(5)))
    assert caught.value.found == "pos_weight=[1.0, 1.0, 1.0, 1.0, 1.0]"


BACK: tuple[tuple[str, dict[str, Any], Array, str | None, str | None], ...] = (
    ("MeanSquaredError", {}, NUMBERS, None, None),
    ("MeanAbsoluteError", {}, NUMBERS, None, None),
    ("Huber", {"delta": 0.3}, NUMBERS, None, None),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, INDICES, None, "targets: Keras takes class indices"),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 2}, IGNORED, None, "targets: Keras takes"),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "reduction": "sum"}, INDICES, None, "targets: Keras takes"),
    ("SparseCategoricalCrossentropy", {}, INDICES, "softmax", "Keras bounds probabilities at 1e-7, on TensorFlow it"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, IGNORED, "softmax", "Keras bounds probabilities at 1e-7"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, SHARES, None, None),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, SHARES, "softmax", "Keras bounds probabilities at 1e-7"),
    ("BinaryCrossentropy", {"from_logits": True}, SIGNS, None, None),
    ("BinaryCrossentropy", {}, SIGNS, "sigmoid", "Keras bounds probabilities at 1e-7"),
    ("CategoricalCrossentropy", {"from_logits": True}, SHARES, "softmax", "from_logits=True and the model ends in a"),
    ("BinaryCrossentropy", {"from_logits": True}, SIGNS, "sigmoid", "from_logits=True and the model ends in a sigmoid"),
)


@pytest.mark.filterwarnings("ignore:.*received `from_logits=True`")
@pytest.mark.parametrize(("name", "arguments", "targets", "end", "words"), BACK)
@pytest.mark.parametrize("class_axis", [1, -1])
def test_a_loss_of_keras_has_the_same_value_in_pytorch(
    name: str, arguments: dict[str, Any], targets: Array, end: str | None, words: str | None, class_axis: int
) -> None:
    import keras
    from homolog.keras.learning_setup import read

    model = keras_model(end)
    model.compile("sgd", getattr(keras.losses, name)(**arguments))
    there = float(model.train_on_batch(OUTPUTS, targets))
    setup = read(model)
    written = torch_training(Setup(loss=setup.loss), ends_in=end, class_axis=class_axis)
    loss = run(written, None)["loss"]

    assert in_torch(loss, OUTPUTS, targets, end) == pytest.approx(there, rel=1e-5)
    assert bool(written.differences) == bool(words)
    assert words is None or any(text.startswith(words) for text in written.differences)


def test_the_same_on_maps_with_the_classes_on_either_axis() -> None:
    import keras
    from homolog.keras.learning_setup import read

    maps, classes = RANDOM.standard_normal((2, 4, 3, 5)).astype(np.float32), RANDOM.integers(0, 5, (2, 4, 3))
    model = keras_model(shape=(4, 3, 5))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    there = float(model.train_on_batch(maps, classes))
    setup = Setup(loss=read(model).loss)
    last = run(torch_training(setup, class_axis=-1), None)["loss"]
    second = run(torch_training(setup), None)["loss"]
    assert in_torch(last, maps, classes) == pytest.approx(there, rel=1e-5)
    assert in_torch(second, np.moveaxis(maps, -1, 1), classes) == pytest.approx(there, rel=1e-5)


def test_smoothed_binary_targets_are_refused_in_pytorch() -> None:
    import keras
    from homolog.keras.learning_setup import read

    model = keras_model()
    model.compile("sgd", keras.losses.BinaryCrossentropy(label_smoothing=0.2))
    with pytest.raises(Unsupported, match="a loss cannot be carried over to PyTorch") as caught:
        torch_training(read(model))
    assert caught.value.found == "label_smoothing=0.2"


def test_keras_forgets_delta_as_is_named() -> None:
    import keras

    saved = keras.losses.Huber(delta=0.3).get_config()
    assert "delta" not in saved


def test_functions_are_losses_too() -> None:
    import functools

    for name, targets in (("mse_loss", NUMBERS), ("huber_loss", NUMBERS), ("cross_entropy", INDICES)):
        loss = functional(name)
        assert in_keras(carried(loss), OUTPUTS, targets) == pytest.approx(in_torch(loss, OUTPUTS, targets), rel=1e-5)
    partial = functools.partial(functional("huber_loss"), delta=0.4)
    there = in_keras(carried(partial), OUTPUTS, NUMBERS)
    assert there == pytest.approx(in_torch(partial, OUTPUTS, NUMBERS), rel=1e-5)
