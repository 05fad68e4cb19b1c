"""A training setup as lines that compile a Keras model."""

from __future__ import annotations

from typing import cast

from homolog.errors import Usage
from homolog.rules.training.clipping import keras_clip
from homolog.rules.training.decay import keras_decay
from homolog.rules.training.elementwise import keras_elementwise
from homolog.rules.training.entropy import keras_binary, keras_cross_entropy
from homolog.rules.training.optimizers import BY_KIND
from homolog.rules.training.schedule_keras import keras_schedule
from homolog.rules.training.setup import Compiled, Setting, Setup
from homolog.rules.training.writing import Code, Piece, assigned, once, source, unsupported

NO_OPTIMIZER = "no optimiser was given: Keras takes RMSprop with a rate of 0.001"
NO_LOSS = "no loss was given: fit needs one, unless layers of the model add theirs"
PER_EPOCH = (
    "learning rate: PyTorch's scheduler moves when your loop calls it, which is taken to be after every "
    "{steps} (steps_per_epoch); with another size of data or batch, change it"
)


def keras_compile(
    setup: Setup,
    *,
    ends_in: str | None = None,
    steps_per_epoch: int | None = None,
    class_axis: int = -1,
    targets: str = "indices",
) -> Compiled:
    """The body of a function of ``model`` that compiles it.

    Args:
        setup: what to train with.
        ends_in: kind of the model's last operation (``softmax``, ``log_softmax``, ``sigmoid``); a loss that applies it
            once more is written to count it once.
        steps_per_epoch: updates between two calls of ``scheduler.step()``: batches of an epoch for a loop that calls it
            once an epoch, 1 for one that calls it after each batch. Needed for schedules but OneCycleLR, which is taken
            to be stepped after each batch, and ReduceLROnPlateau.
        class_axis: of the Keras model's outputs.
        targets: what a CrossEntropyLoss is given, class ``indices`` or ``probabilities``.

    Raises:
        Unsupported: Keras cannot be given a setting.
        Usage: ``steps_per_epoch`` is needed, or there is a schedule and no optimiser.
    """
    loss = keras_loss(setup.loss, ends_in, class_axis, targets)
    schedule, optimizer = _trained_by(setup, steps_per_epoch)
    arguments = {name: Code(name) for name, piece in (("optimizer", optimizer), ("loss", loss)) if piece.lines}
    compiled = ", ".join(f"{name}={source(value)}" for name, value in {**arguments, **loss.compile}.items())
    fit = ", ".join(f'"{name}": {source(value)}' for name, value in {**schedule.fit, **loss.fit}.items())
    pieces = (schedule, optimizer, loss)
    return Compiled(
        (*(line for piece in pieces for line in piece.lines), f"model.compile({compiled})", f"fit = {{{fit}}}"),
        once(("import keras", *(name for piece in pieces for name in piece.imports))),
        once((*setup.notes, *(item for piece in pieces for item in piece.differences))),
    )


def keras_loss(loss: Setting | None, ends_in: str | None, class_axis: int, targets: str) -> Piece:
    """Lines that make ``loss``; none if there is none.

    Raises:
        Unsupported: Keras's loss cannot be given a setting.
    """
    if loss is None:
        return Piece((), differences=(NO_LOSS,))
    if loss.kind == "cross_entropy":
        return keras_cross_entropy(loss, ends_in, class_axis, targets)
    if loss.kind == "binary_cross_entropy":
        return keras_binary(loss, ends_in)
    return keras_elementwise(loss)


def _trained_by(setup: Setup, steps_per_epoch: int | None) -> tuple[Piece, Piece]:
    """Lines that make the schedule, and those that make ``optimizer``.

    Raises:
        Unsupported, Usage: see ``keras_compile``.
    """
    if setup.optimizer is None:
        if setup.schedule is not None:
            raise Usage("a schedule of the learning rate needs an optimiser", help="give the optimiser too")
        return Piece(()), Piece((), differences=(NO_OPTIMIZER,))
    rule, fields = BY_KIND[setup.optimizer.kind], setup.optimizer.fields
    refused = rule.refusal(fields)
    if refused is not None:
        raise unsupported(
            "an optimiser cannot be carried over to Keras",
            where=rule.torch,
            expected="settings that Keras's optimiser has",
            found=refused,
            help="leave it at its default, or compile the Keras model by hand",
        )
    lr = cast(float, fields["lr"])
    schedule = _scheduled(setup.schedule, lr, steps_per_epoch) if setup.schedule else Piece((), repr(lr))
    name, decay, behind, decay_differs = keras_decay(rule, setup)
    clip, clip_differs = keras_clip(setup.clip)
    arguments = {"learning_rate": Code(schedule.value), **rule.keras_arguments(fields), **decay, **clip}
    differences = [text for remark in rule.differences if (text := remark(setup)) is not None]
    made = assigned("optimizer", f"keras.optimizers.{name}", **arguments)
    return schedule, Piece(
        (*made, *behind), "optimizer", ("import keras",), (*differences, *decay_differs, *clip_differs)
    )


def _scheduled(schedule: Setting, lr: float, steps_per_epoch: int | None) -> Piece:
    if schedule.kind == "plateau":
        return keras_schedule(schedule, lr, 1)
    if not lr:
        raise unsupported(
            "a schedule cannot be carried over",
            where=schedule.kind,
            expected="a learning rate above 0 to start from",
            found=f"lr={lr}",
            help="make the optimiser with the rate that its schedule multiplies",
        )
    steps = steps_per_epoch or (1 if schedule.kind == "one_cycle" else None)
    if steps is None:
        raise Usage(
            "the schedule of the learning rate needs steps_per_epoch",
            where=schedule.kind,
            expected="how many updates lie between two calls of scheduler.step()",
            help="the number of batches of an epoch, or 1 if your loop calls scheduler.step() after each batch",
        )
    piece = keras_schedule(schedule, lr, steps)
    told = PER_EPOCH.format(steps="update" if steps == 1 else f"{steps} updates")
    return Piece(piece.lines, piece.value, piece.imports, (told, *piece.differences), fit=piece.fit)
