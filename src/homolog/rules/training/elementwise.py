"""Losses of each element by itself, written in either framework."""

from __future__ import annotations

from typing import cast

from homolog.rules.training.losses import BY_TORCH
from homolog.rules.training.setup import Setting
from homolog.rules.training.writing import Piece, assigned, unsupported

KERAS = {"mse": "MeanSquaredError", "l1": "MeanAbsoluteError", "huber": "Huber"}
TORCH = {"mse": "MSELoss", "l1": "L1Loss", "huber": "HuberLoss", "smooth_l1": "SmoothL1Loss"}
DELTA_IS_LOST = (
    "delta={delta}: Keras 3.15 leaves it out of a saved model, which trains on with 1 once it is loaded; "
    "run this again after loading"
)


def refuse_all_but_the_mean(loss: Setting, where: str) -> None:
    """Raises on another reduction than the mean, or weights of elements.

    Raises:
        Unsupported: PyTorch's sum is over all elements and Keras's over averages of the last axis; a value for each
            element, or weights for them, ``compile`` cannot be given.
    """
    for name, wanted in (("reduction", "mean"), ("weight", None)):
        found = loss.fields.get(name)
        if found != wanted:
            raise unsupported(
                "a loss cannot be carried over",
                where=where,
                expected=f"{name}={wanted!r}",
                found=f"{name}={found!r}",
                help="PyTorch sums all elements, Keras averages of the last axis; train with the mean"
                if name == "reduction"
                else "weigh the samples: Keras's fit takes sample_weight",
            )


def keras_elementwise(loss: Setting) -> Piece:
    """An object of ``keras.losses``, named ``loss``.

    SmoothL1 is Huber's loss divided by its delta, which is then a weight of the loss.

    Raises:
        Unsupported: see ``refuse_all_but_the_mean``.
    """
    refuse_all_but_the_mean(loss, TORCH[loss.kind])
    kind = loss.kind
    delta = cast(float, loss.fields.get("delta", loss.fields.get("beta", 1.0)))
    if kind == "smooth_l1" and not delta:
        kind = "l1"
    if kind not in ("huber", "smooth_l1"):
        return Piece(assigned("loss", f"keras.losses.{KERAS[kind]}"), "loss", ("import keras",))
    weights = {"loss_weights": 1.0 / delta} if kind == "smooth_l1" and delta != 1 else {}
    return Piece(
        assigned("loss", "keras.losses.Huber", delta=delta),
        "loss",
        ("import keras",),
        (DELTA_IS_LOST.format(delta=delta),) if delta != 1 else (),
        compile=weights,
    )


def torch_elementwise(loss: Setting) -> Piece:
    """A module of ``torch.nn``, named ``loss``.

    Raises:
        Unsupported: see ``refuse_all_but_the_mean``.
    """
    name = TORCH[loss.kind]
    refuse_all_but_the_mean(loss, name)
    fields = {
        word: loss.fields[word] for word in BY_TORCH[name].torch_fields if word != "weight" and word in loss.fields
    }
    return Piece(assigned("loss", f"torch.nn.{name}", **fields), "loss", ("import torch",))
