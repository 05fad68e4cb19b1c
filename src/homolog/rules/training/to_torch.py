"""A training setup as lines that make its objects in PyTorch."""

from __future__ import annotations

from typing import cast

from homolog.errors import Usage
from homolog.rules.training.clipping import torch_clip
from homolog.rules.training.decay import torch_decay
from homolog.rules.training.elementwise import torch_elementwise
from homolog.rules.training.entropy_torch import torch_binary, torch_cross_entropy
from homolog.rules.training.optimizers import BY_KIND
from homolog.rules.training.schedule_torch import torch_schedule
from homolog.rules.training.setup import Compiled, Setting, Setup
from homolog.rules.training.writing import Code, Piece, assigned, once, unsupported

STEPPED = (
    "learning rate: Keras's schedule moves with every update, so call scheduler.step() after every optimizer.step() "
    "and not once an epoch"
)
GIVEN_A_LOSS = "ReduceLROnPlateau: call scheduler.step({monitor}) after each epoch, with the value that Keras watched"


def torch_training(setup: Setup, *, ends_in: str | None = None, class_axis: int = 1) -> Compiled:
    """The body of a function of ``model`` that makes ``optimizer``, ``loss`` and ``scheduler``.

    Args:
        setup: what to train with, read from a Keras model, so that its schedule counts updates.
        ends_in: kind of the model's last operation (``softmax``, ``log_softmax``, ``sigmoid``).
        class_axis: of the PyTorch model's outputs; if it is not 1, the loss moves it there.

    Raises:
        Unsupported: PyTorch cannot be given a setting.
        Usage: there is a schedule and no optimiser.
    """
    optimizer, schedule = _trained_by(setup)
    loss = _loss(setup.loss, ends_in, class_axis)
    pieces = (optimizer, loss, schedule)
    return Compiled(
        tuple(line for piece in pieces for line in piece.lines),
        once(("import torch", *(name for piece in pieces for name in piece.imports))),
        once((*setup.notes, *(item for piece in pieces for item in piece.differences))),
    )


def _loss(loss: Setting | None, ends_in: str | None, class_axis: int) -> Piece:
    if loss is None:
        return Piece(("loss = None",))
    if loss.kind == "cross_entropy":
        return torch_cross_entropy(loss, ends_in, class_axis)
    if loss.kind == "binary_cross_entropy":
        return torch_binary(loss, ends_in)
    return torch_elementwise(loss)


def _trained_by(setup: Setup) -> tuple[Piece, Piece]:
    """Lines that make ``optimizer``, and those that make ``scheduler``."""
    if setup.optimizer is None:
        if setup.schedule is not None:
            raise Usage("a schedule of the learning rate needs an optimiser", help="give the optimiser too")
        return Piece(("optimizer = None",)), Piece(("scheduler = None",))
    rule, fields = BY_KIND[setup.optimizer.kind], setup.optimizer.fields
    lr = cast(float, fields["lr"])
    name, decay, behind = torch_decay(rule, setup.optimizer)
    clip, clip_differs = torch_clip(setup.clip)
    arguments = {"lr": lr, **rule.torch_arguments(fields), **decay}
    made = assigned("optimizer", f"torch.optim.{name}", Code("model.parameters()"), **arguments)
    differences = [text for remark in rule.differences if (text := remark(setup)) is not None]
    optimizer = Piece((*made, *clip, *behind), differences=(*differences, *clip_differs))
    return optimizer, _schedule(setup.schedule, lr)


def _schedule(schedule: Setting | None, lr: float) -> Piece:
    if schedule is None:
        return Piece(("scheduler = None",))
    if schedule.kind == "plateau":
        piece, told = torch_schedule(schedule, lr), GIVEN_A_LOSS.format(monitor=schedule.fields.get("monitor", "loss"))
    elif lr:
        piece, told = torch_schedule(schedule, lr), STEPPED
    else:
        raise unsupported(
            "a schedule cannot be carried over",
            where=schedule.kind,
            expected="a learning rate above 0 to start from",
            found=f"lr={lr}",
            help="make the optimiser with the rate that its schedule multiplies",
        )
    return Piece(piece.lines, piece.value, piece.imports, (told, *piece.differences))
