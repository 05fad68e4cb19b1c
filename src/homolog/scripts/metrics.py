"""Metrics of Keras as functions of a batch: a sum, and how much it is a sum of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homolog.scripts.parts import Part
from homolog.scripts.values import Made, NotStatic

ACCURACIES = {"accuracy", "acc", "Accuracy"}
SHORT = {
    "mse": "MeanSquaredError",
    "MSE": "MeanSquaredError",
    "mean_squared_error": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "MAE": "MeanAbsoluteError",
    "mean_absolute_error": "MeanAbsoluteError",
    "binary_accuracy": "BinaryAccuracy",
    "sparse_categorical_accuracy": "SparseCategoricalAccuracy",
    "categorical_accuracy": "CategoricalAccuracy",
    "precision": "Precision",
    "recall": "Recall",
}
UP = {
    *("BinaryAccuracy", "SparseCategoricalAccuracy", "CategoricalAccuracy", "Precision", "Recall"),
    *("TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"),
}
NAMES = {
    "BinaryAccuracy": "binary_accuracy",
    "SparseCategoricalAccuracy": "sparse_categorical_accuracy",
    "CategoricalAccuracy": "categorical_accuracy",
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "Precision": "precision",
    "Recall": "recall",
    "TopKCategoricalAccuracy": "top_k_categorical_accuracy",
    "SparseTopKCategoricalAccuracy": "sparse_top_k_categorical_accuracy",
}
ARGUMENTS: Mapping[str, Mapping[str, object]] = {
    "BinaryAccuracy": {"threshold": 0.5},
    "Precision": {"thresholds": None},
    "Recall": {"thresholds": None},
    "TopKCategoricalAccuracy": {"k": 5},
    "SparseTopKCategoricalAccuracy": {"k": 5},
}
TEXTS: Mapping[str, tuple[str, str]] = {
    "BinaryAccuracy": (
        "How many outputs lie on the right side of {threshold}, and of how many.",
        """    right = (outputs > {threshold}) == (targets > 0.5)
    return right.sum(), right.numel()""",
    ),
    "SparseCategoricalAccuracy": (
        "How many samples are given their class, and of how many.",
        """    right = outputs.argmax({axis}) == targets
    return right.sum(), right.numel()""",
    ),
    "CategoricalAccuracy": (
        "How many samples are given their class, and of how many.",
        """    right = outputs.argmax({axis}) == targets.argmax({axis})
    return right.sum(), right.numel()""",
    ),
    "TopKCategoricalAccuracy": (
        "How many samples have their class among the {k} likeliest, and of how many.",
        """    right = (outputs.topk({k}, {axis}).indices == targets.argmax({axis}, keepdim=True)).any({axis})
    return right.sum(), right.numel()""",
    ),
    "SparseTopKCategoricalAccuracy": (
        "How many samples have their class among the {k} likeliest, and of how many.",
        """    right = (outputs.topk({k}, {axis}).indices == targets.unsqueeze({axis})).any({axis})
    return right.sum(), right.numel()""",
    ),
    "MeanSquaredError": (
        "The squares of what is off, summed up, and of how many.",
        """    return (outputs - targets).square().sum(), targets.numel()""",
    ),
    "MeanAbsoluteError": (
        "The sizes of what is off, summed up, and of how many.",
        """    return (outputs - targets).abs().sum(), targets.numel()""",
    ),
    "Precision": (
        "How many of those that are taken for positive are, and how many are taken for it.",
        """    taken = outputs > {threshold}
    return (taken & (targets > 0.5)).sum(), taken.sum()""",
    ),
    "Recall": (
        "How many of the positive ones are taken for it, and how many there are.",
        """    positive = targets > 0.5
    return ((outputs > {threshold}) & positive).sum(), positive.sum()""",
    ),
}


@dataclass(frozen=True)
class Metric:
    """A metric as it is written.

    Attributes:
        name: that its figure goes by.
        function: name of its function.
        part: the function.
        up: whether more is better.
    """

    name: str
    function: str
    part: Part
    up: bool


def metric(given: Any, sparse: bool, binary: bool, axis: int) -> Metric:
    """A metric of ``compile``.

    Args:
        given: its name, or what it would be made with.
        sparse: whether the targets are indices of classes.
        binary: whether the outputs are one number each.
        axis: of the classes, in the written model's outputs.

    Raises:
        NotStatic: it has no counterpart here.
    """
    if isinstance(given, str):
        kind, name, arguments = SHORT.get(given, given), given, {}
        if given in ACCURACIES:
            kind = "BinaryAccuracy" if binary else "SparseCategoricalAccuracy" if sparse else "CategoricalAccuracy"
    elif isinstance(given, Made) and given.name.startswith("keras.metrics."):
        kind, arguments = given.kind, dict(given.arguments)
        arguments.pop("dtype", None)
        name = str(arguments.pop("name", None) or NAMES.get(kind, kind))
        if kind == "Accuracy":
            raise NotStatic("the metric Accuracy compares outputs with targets for equality, which is hardly meant")
    else:
        raise NotStatic("a metric of the script's own has no counterpart here")
    if kind not in TEXTS:
        raise NotStatic(f"the metric {kind} has no counterpart here")
    known = ARGUMENTS.get(kind, {})
    strange = sorted(set(arguments) - set(known))
    if strange:
        raise NotStatic(f"the metric {kind} is given {', '.join(strange)}")
    values = {**known, **arguments}
    threshold = values.get("threshold", values.get("thresholds"))
    doc, body = TEXTS[kind]
    words = {"threshold": 0.5 if threshold is None else threshold, "k": values.get("k"), "axis": axis}
    function = "accuracy" if isinstance(given, str) and given in ACCURACIES else NAMES[kind]
    if arguments or (axis != 1 and "{axis}" in body):
        function += "".join(f"_{str(value).replace('.', '_')}" for value in arguments.values())
    text = f'def {function}(outputs, targets):\n    """{doc.format(**words)}"""\n{body.format(**words)}'
    return Metric(name, function, Part(text), kind in UP)
