"""Cross entropies written in Keras, where what the model ends in decides what is computed.

On TensorFlow, Keras's losses look behind an output that a softmax or sigmoid has made and take what went into it,
whatever ``from_logits`` says; but not where a class is ignored, for then they see a masked copy of the output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from homolog.rules.training.elementwise import refuse_all_but_the_mean
from homolog.rules.training.setup import Fields, Setting
from homolog.rules.training.writing import Piece, assigned, unsupported

TWICE = (
    "the model ends in a {end} and PyTorch's loss takes another of it; Keras's is written to count it once, so its "
    "losses and gradients are larger. To train as in PyTorch, take from_logits=True and another backend than "
    "TensorFlow; to train as was probably meant, leave the {end} out of the PyTorch model"
)
LOOKED_BEHIND = (
    "the model ends in a {end}, which PyTorch's loss takes as it is, while Keras's on TensorFlow takes what went into "
    "the {end}; the losses are others. End the model without it, or train on another backend"
)
NOT_NORMALISED = (
    "NLLLoss takes the outputs as logarithms of probabilities as they are, Keras's loss normalises them first. The "
    "same if they are the result of a log_softmax, which the model was not seen to end in"
)
CLIPPED = (
    "PyTorch bounds the logarithm of a probability at -100, Keras the probability at 1e-7, or takes what went into the "
    "sigmoid. It matters only to outputs nearer than that to the wrong answer"
)
ONE_HOT = (
    "label_smoothing={smoothing}: Keras smooths one-hot targets only, so give fit "
    "keras.utils.to_categorical(targets) in place of class indices"
)
ALL_IGNORED = (
    "ignore_index={index}: of a batch in which all is to be ignored, PyTorch's mean is not a number, Keras's loss 0"
)
CLASS_WEIGHT = (
    "weight={weight}: Keras weighs classes in fit, by class_weight, which takes one target a sample (no maps), and "
    "does not weigh them in evaluate. The mean is over the weights, as in PyTorch"
)
POS_WEIGHT = (
    "pos_weight={weight}: Keras weighs classes in fit, by class_weight, which takes models of one output and targets "
    "of 0 and 1, and does not weigh them in evaluate"
)


def keras_cross_entropy(loss: Setting, ends_in: str | None, class_axis: int, targets: str) -> Piece:
    """``SparseCategoricalCrossentropy`` or ``CategoricalCrossentropy``, named ``loss``.

    Args:
        loss: of the kind ``cross_entropy``.
        ends_in: kind of the model's last operation.
        class_axis: of the outputs, as Keras counts it.
        targets: ``indices`` or ``probabilities``, where the loss leaves it open.

    Raises:
        Unsupported: Keras's losses cannot be given a setting.
    """
    fields = loss.fields
    smoothing = cast(float, fields["label_smoothing"])
    targets = str(fields["targets"] or targets)
    sparse = targets == "indices" and not smoothing
    _refuse(fields, targets, class_axis, sparse)
    from_logits, differences = _logits(fields["outputs"], ends_in, masked=sparse and fields["ignore_index"] is not None)
    arguments: dict[str, object] = {"from_logits": from_logits}
    if sparse and fields["ignore_index"] is not None:
        arguments["ignore_class"] = fields["ignore_index"]
        if fields["ignore_index"] != -100:
            differences.append(ALL_IGNORED.format(index=fields["ignore_index"]))
    if smoothing:
        arguments["label_smoothing"] = smoothing
        if targets == "indices":
            differences.append(ONE_HOT.format(smoothing=smoothing))
    if class_axis != -1:
        arguments["axis"] = class_axis
    reduction, fit = fields["reduction"], {}
    weight = cast(Sequence[float] | None, fields["weight"])
    if weight is not None:
        fit = {"class_weight": dict(enumerate(weight))}
        differences.append(CLASS_WEIGHT.format(weight=list(weight)))
        reduction = "mean_with_sample_weight" if reduction == "mean" else reduction
    if reduction != "mean":
        arguments["reduction"] = reduction
    name = "SparseCategoricalCrossentropy" if sparse else "CategoricalCrossentropy"
    lines = assigned("loss", f"keras.losses.{name}", **arguments)
    return Piece(lines, "loss", ("import keras",), tuple(differences), fit=fit)


def _logits(outputs: object, ends_in: str | None, masked: bool) -> tuple[bool, list[str]]:
    """``from_logits``, and differences. A log_softmax of a log_softmax is itself, so it may be one of logits.

    Raises:
        Unsupported: probabilities where their logarithms are wanted.
    """
    if outputs == "log_probabilities":
        if ends_in in ("softmax", "sigmoid"):
            raise unsupported(
                "NLLLoss takes logarithms of probabilities",
                where="NLLLoss",
                expected="a model that ends in log_softmax",
                found=f"one that ends in {ends_in}",
                help="end the model in log_softmax, or without one and train with CrossEntropyLoss",
            )
        return True, [] if ends_in == "log_softmax" else [NOT_NORMALISED]
    if outputs == "logits" and ends_in == "softmax":
        return False, [TWICE.format(end=ends_in)]
    return outputs == "logits", [LOOKED_BEHIND.format(end=ends_in)] if ends_in == "sigmoid" and not masked else []


def _refuse(fields: Fields, targets: str, class_axis: int, sparse: bool) -> None:
    smoothing, weight = fields["label_smoothing"], fields["weight"]
    ignored = fields["ignore_index"] not in (None, -100)
    wrong = (
        (fields["reduction"] not in ("mean", "sum"), "reduction", "train with the mean"),
        (
            bool(smoothing) and weight is not None,
            "weight",
            "Keras does not weigh smoothed classes; leave out one of both",
        ),
        (targets != "indices" and weight is not None, "weight", "Keras weighs class indices only; weigh the samples"),
        (bool(smoothing) and ignored, "ignore_index", "Keras ignores no class where it smooths; leave out one of both"),
    )
    for applies, name, help in wrong:
        if applies:
            raise unsupported(
                "a loss cannot be carried over to Keras",
                where="CrossEntropyLoss",
                expected="settings that Keras's losses have",
                found=f"{name}={fields[name]!r}",
                help=help,
            )
    if class_axis != -1 and (sparse or smoothing):
        raise unsupported(
            "Keras takes the classes on the last axis",
            where="CrossEntropyLoss",
            expected="class_axis=-1",
            found=f"class_axis={class_axis}",
            help="end the Keras model in a Permute that puts the classes last",
        )


def keras_binary(loss: Setting, ends_in: str | None) -> Piece:
    """``BinaryCrossentropy``, named ``loss``.

    Raises:
        Unsupported: Keras's loss cannot be given a setting.
    """
    refuse_all_but_the_mean(loss, "BCEWithLogitsLoss" if loss.fields["outputs"] == "logits" else "BCELoss")
    from_logits = loss.fields["outputs"] == "logits"
    differences: list[str] = []
    if ends_in == "softmax":
        differences.append(LOOKED_BEHIND.format(end=ends_in))
    elif from_logits and ends_in == "sigmoid":
        from_logits = False
        differences.append(TWICE.format(end=ends_in))
    if not from_logits:
        differences.append(CLIPPED)
    arguments: dict[str, object] = {"from_logits": from_logits}
    if loss.fields["label_smoothing"]:
        arguments["label_smoothing"] = loss.fields["label_smoothing"]
    fit: dict[str, object] = {}
    weight = cast(Sequence[float] | None, loss.fields["pos_weight"])
    if weight is not None:
        if len(weight) != 1:
            raise unsupported(
                "a loss cannot be carried over to Keras",
                where="BCEWithLogitsLoss",
                expected="a pos_weight of one number, for a model of one output",
                found=f"pos_weight={list(weight)}",
                help="weigh the samples: Keras's fit takes sample_weight",
            )
        fit = {"class_weight": {0: 1.0, 1: weight[0]}}
        differences.append(POS_WEIGHT.format(weight=weight[0]))
    lines = assigned("loss", "keras.losses.BinaryCrossentropy", **arguments)
    return Piece(lines, "loss", ("import keras",), tuple(differences), fit=fit)
