"""The losses that both frameworks have: their kinds, their names on either side, and their fields.

``elementwise`` and ``entropy`` beside this file write them. PyTorch's mean is over all elements; Keras averages over
the last axis and then over the rest, which is the same, while its sum is of those averages, which is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from homolog.rules.training.setup import Fields, Setting


@dataclass(frozen=True)
class Loss:
    """A kind of loss.

    Attributes:
        kind: as in ``Setting.kind``; several declarations may share one, where a field tells them apart.
        torch: name of the class in ``torch.nn``, empty if there is none.
        torch_function: name in ``torch.nn.functional``.
        keras: name of the class in ``keras.losses``, empty if there is none.
        keras_functions: names by which ``compile`` takes it besides, and functions.
        torch_fields: PyTorch's words, with the values they have by default.
        keras_fields: Keras's words with the field that each is, and the value it has by default.
        always: fields that this declaration settles.
    """

    kind: str
    torch: str = ""
    torch_function: str = ""
    keras: str = ""
    keras_functions: tuple[str, ...] = ()
    torch_fields: Mapping[str, object] = field(default_factory=dict)
    keras_fields: Mapping[str, tuple[str, object]] = field(default_factory=dict)
    always: Mapping[str, object] = field(default_factory=dict)

    def from_torch(self, found: Fields) -> Setting:
        """From the settings of a module, or the arguments of a function."""
        return Setting(self.kind, {**self.always, "reduction": "mean", **self.torch_fields, **found})

    def from_keras(self, found: Fields) -> Setting:
        """From the settings of an object, by Keras's words."""
        fields = {name: found.get(word, default) for word, (name, default) in self.keras_fields.items()}
        if "from_logits" in fields:
            fields["outputs"] = "logits" if fields.pop("from_logits") else "probabilities"
        return Setting(self.kind, {**self.always, "reduction": found.get("reduction", "mean"), **fields})


LOGITS = ("from_logits", False)
SMOOTHING = ("label_smoothing", 0.0)
NO_WEIGHT = {"weight": None}
UNKNOWN_TARGETS = {"targets": None}
"""PyTorch's cross entropy takes class indices or probabilities, and tells them apart when it sees them."""

TABLE = (
    Loss("mse", "MSELoss", "mse_loss", "MeanSquaredError", ("mse", "MSE", "mean_squared_error"), NO_WEIGHT),
    Loss("l1", "L1Loss", "l1_loss", "MeanAbsoluteError", ("mae", "MAE", "mean_absolute_error"), NO_WEIGHT),
    Loss(
        "huber",
        "HuberLoss",
        "huber_loss",
        "Huber",
        ("huber", "huber_loss"),
        {"delta": 1.0, **NO_WEIGHT},
        {"delta": ("delta", 1.0)},
    ),
    Loss("smooth_l1", "SmoothL1Loss", "smooth_l1_loss", torch_fields={"beta": 1.0}),
    Loss(
        "cross_entropy",
        "CrossEntropyLoss",
        "cross_entropy",
        torch_fields={"weight": None, "ignore_index": -100, "label_smoothing": 0.0},
        always={"outputs": "logits", **UNKNOWN_TARGETS},
    ),
    Loss(
        "cross_entropy",
        "NLLLoss",
        "nll_loss",
        torch_fields={"weight": None, "ignore_index": -100},
        always={"outputs": "log_probabilities", "targets": "indices", "label_smoothing": 0.0},
    ),
    Loss(
        "cross_entropy",
        keras="SparseCategoricalCrossentropy",
        keras_functions=("sparse_categorical_crossentropy",),
        keras_fields={"from_logits": LOGITS, "ignore_class": ("ignore_index", None)},
        always={"targets": "indices", "weight": None, "label_smoothing": 0.0},
    ),
    Loss(
        "cross_entropy",
        keras="CategoricalCrossentropy",
        keras_functions=("categorical_crossentropy",),
        keras_fields={"from_logits": LOGITS, "label_smoothing": SMOOTHING},
        always={"targets": "probabilities", "weight": None, "ignore_index": None},
    ),
    Loss(
        "binary_cross_entropy",
        "BCEWithLogitsLoss",
        "binary_cross_entropy_with_logits",
        torch_fields={"weight": None, "pos_weight": None},
        always={"outputs": "logits", "label_smoothing": 0.0},
    ),
    Loss(
        "binary_cross_entropy",
        "BCELoss",
        "binary_cross_entropy",
        torch_fields={"weight": None},
        always={"outputs": "probabilities", "pos_weight": None, "label_smoothing": 0.0},
    ),
    Loss(
        "binary_cross_entropy",
        keras="BinaryCrossentropy",
        keras_functions=("binary_crossentropy", "bce", "BCE"),
        keras_fields={"from_logits": LOGITS, "label_smoothing": SMOOTHING},
        always={"weight": None, "pos_weight": None},
    ),
)

BY_TORCH = {loss.torch: loss for loss in TABLE if loss.torch}
BY_TORCH_FUNCTION = {loss.torch_function: loss for loss in TABLE if loss.torch_function}
BY_KERAS = {loss.keras: loss for loss in TABLE if loss.keras}
BY_KERAS_FUNCTION = {name: loss for loss in TABLE for name in loss.keras_functions}
