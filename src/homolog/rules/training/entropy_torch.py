"""Cross entropies written in PyTorch, whose losses take logits; those of probabilities become functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from homolog.rules.training.elementwise import refuse_all_but_the_mean
from homolog.rules.training.setup import Setting
from homolog.rules.training.writing import Code, Piece, assigned, unsupported

EPSILON = "1e-07"
"""Keras's bound of probabilities, as far from 0 as from 1: ``keras.config.epsilon()`` unless it was set."""
CLIPPED = (
    "Keras bounds probabilities at 1e-7, on TensorFlow it takes what went into the {end} instead; here they are "
    "bounded. It matters only to outputs below that, whose gradient is then zero"
)
LOOKED_BEHIND = (
    "from_logits=True and the model ends in a {end}: Keras on TensorFlow takes what went into the {end}, as is written "
    "here, while on its other backends it takes another {end} of it"
)
INDICES = (
    "targets: Keras takes class indices of any type and with an axis of length 1 behind, PyTorch takes them as int64 "
    "and without it"
)


def torch_cross_entropy(loss: Setting, ends_in: str | None, class_axis: int) -> Piece:
    """``CrossEntropyLoss`` or ``NLLLoss``, or a function where the outputs must be changed first; named ``loss``.

    Args:
        loss: of the kind ``cross_entropy``.
        ends_in: kind of the model's last operation.
        class_axis: of the outputs; PyTorch's losses take 1.

    Raises:
        Unsupported: the loss reduces in a way that PyTorch's does not.
    """
    fields = loss.fields
    if fields["reduction"] not in ("mean", "sum"):
        refuse_all_but_the_mean(loss, "cross entropy")
    outputs, differences = fields["outputs"], []
    if outputs == "logits" and ends_in == "softmax":
        outputs = "probabilities"
        differences.append(LOOKED_BEHIND.format(end=ends_in))
    elif outputs == "probabilities":
        differences.append(CLIPPED.format(end="softmax"))
    if fields["targets"] == "indices" and fields["outputs"] != "log_probabilities":
        differences.append(INDICES)
    arguments: dict[str, object] = {}
    if fields["weight"] is not None:
        arguments["weight"] = Code(f"torch.tensor({list(cast(Sequence[float], fields['weight']))})")
    if fields["ignore_index"] not in (None, -100):
        arguments["ignore_index"] = fields["ignore_index"]
    if fields["label_smoothing"]:
        arguments["label_smoothing"] = fields["label_smoothing"]
    if fields["reduction"] != "mean":
        arguments["reduction"] = fields["reduction"]
    plain = "nll_loss" if outputs == "log_probabilities" else "cross_entropy"
    if outputs != "probabilities" and class_axis == 1:
        name = "NLLLoss" if outputs == "log_probabilities" else "CrossEntropyLoss"
        return Piece(assigned("loss", f"torch.nn.{name}", **arguments), "loss", ("import torch",), tuple(differences))
    given = f"torch.log(outputs.clamp({EPSILON}, 1 - {EPSILON}))" if outputs == "probabilities" else "outputs"
    moved = "" if class_axis == 1 else f".movedim({class_axis}, 1)"
    wanted = f"targets{moved}" if fields["targets"] == "probabilities" else "targets"
    return Piece(_function(plain, f"{given}{moved}", wanted, arguments), "loss", ("import torch",), tuple(differences))


def torch_binary(loss: Setting, ends_in: str | None) -> Piece:
    """``BCEWithLogitsLoss`` or ``BCELoss``, named ``loss``.

    Raises:
        Unsupported: smoothed targets, which PyTorch's losses do not know, or another reduction than the mean.
    """
    fields = loss.fields
    refuse_all_but_the_mean(loss, "BinaryCrossentropy")
    if fields["label_smoothing"]:
        raise unsupported(
            "a loss cannot be carried over to PyTorch",
            where="BinaryCrossentropy",
            expected="label_smoothing=0.0",
            found=f"label_smoothing={fields['label_smoothing']}",
            help="smooth the targets: targets * (1 - smoothing) + smoothing / 2",
        )
    logits, differences = fields["outputs"] == "logits", []
    if logits and ends_in == "sigmoid":
        logits = False
        differences.append(LOOKED_BEHIND.format(end=ends_in))
    elif not logits:
        differences.append(CLIPPED_BY_PYTORCH)
    arguments: dict[str, object] = {}
    if fields["pos_weight"] is not None:
        arguments["pos_weight"] = Code(f"torch.tensor({list(cast(Sequence[float], fields['pos_weight']))})")
    name = "BCEWithLogitsLoss" if logits else "BCELoss"
    return Piece(assigned("loss", f"torch.nn.{name}", **arguments), "loss", ("import torch",), tuple(differences))


CLIPPED_BY_PYTORCH = (
    "Keras bounds probabilities at 1e-7, or takes what went into the sigmoid, PyTorch bounds their logarithms at -100. "
    "It matters only to outputs nearer than that to the wrong answer"
)


def _function(name: str, outputs: str, targets: str, arguments: dict[str, object]) -> tuple[str, ...]:
    (call, *more) = assigned("return", f"torch.nn.functional.{name}", Code(outputs), Code(targets), **arguments)
    call = call.replace("return = ", "return ", 1)
    return ("def loss(outputs, targets):", *(f"    {line}" for line in (call, *more)))
