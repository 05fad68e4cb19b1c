"""What a Keras model was compiled with, read into a training setup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homolog.errors import Unsupported
from homolog.keras.framework import require
from homolog.rules.training import clipping
from homolog.rules.training.losses import BY_KERAS as LOSSES
from homolog.rules.training.losses import BY_KERAS_FUNCTION, Loss
from homolog.rules.training.optimizers import BY_KERAS as OPTIMIZERS
from homolog.rules.training.schedule_configs import READERS as SCHEDULES
from homolog.rules.training.setup import Setting, Setup

COMMON = {"name", "learning_rate", "weight_decay", *clipping.KERAS.values(), "ema_momentum", "ema_overwrite_frequency"}
OFF = {"use_ema": False, "loss_scale_factor": None, "gradient_accumulation_steps": None}
"""Settings of every optimiser that PyTorch's have not, with the one value that means nothing."""
MEANS = {"sum_over_batch_size": "mean", "mean": "mean", "mean_with_sample_weight": "mean", "sum": "sum"}
STARTED = (
    "the optimiser has made {count} updates: what it keeps of them (moments, steps) is not carried over, and training "
    "starts anew"
)
PENALTY = (
    "every trainable weight has a penalty of {penalty} on its square: it becomes weight_decay={decay}, which has the "
    "same gradient and is no part of the loss that PyTorch prints"
)


def read(model: Any, callbacks: Sequence[Any] = ()) -> Setup:
    """A setup from a compiled model.

    Args:
        model: a Keras model; one that was not compiled has an empty setup.
        callbacks: what its ``fit`` is given; a ReduceLROnPlateau among them is its schedule.

    Raises:
        Unsupported: a class or a setting that no rule knows.
    """
    if not getattr(model, "compiled", False):
        return Setup()
    _refuse_weights(model)
    notes: list[str] = []
    optimizer, schedule = _optimizer(model.optimizer)
    updates = int(model.optimizer.iterations.numpy())
    if updates:
        notes.append(STARTED.format(count=updates))
    optimizer, penalty = _with_penalty(optimizer, model)
    notes += penalty
    return Setup(
        optimizer,
        None if model.loss is None else _loss(model.loss),
        _plateau(callbacks) or schedule,
        clipping.from_keras(model.optimizer.get_config()),
        tuple(notes),
    )


def _refuse_weights(model: Any) -> None:
    """Raises for a model that weighs its loss.

    Raises:
        Unsupported: it does.
    """
    weights = model._compile_loss._user_loss_weights if model._compile_loss is not None else None
    if weights is not None and weights != 1:
        raise Unsupported(
            "a model is compiled with weights of its losses, which is not known",
            where=model.name,
            expected="loss_weights=None",
            found=f"loss_weights={weights!r}",
            help="multiply the loss in the loop",
        )


def _optimizer(optimizer: Any) -> tuple[Setting, Setting | None]:
    """The optimiser and the schedule of its rate.

    Raises:
        Unsupported: it, or a setting, has no rule.
    """
    keras = require()
    name = type(optimizer).__name__
    rule = OPTIMIZERS.get(name)
    if rule is None or type(optimizer) is not getattr(keras.optimizers, name, None):
        raise _unknown("an optimiser", name, OPTIMIZERS)
    config = dict(optimizer.get_config())
    known = {word for field in rule.words for word in field.keras.split()}
    wrong = {key: value for key, value in config.items() if key not in known | COMMON | OFF.keys()}
    wrong |= {key: config[key] for key, value in OFF.items() if config.get(key, value) != value}
    if getattr(optimizer, "_exclude_from_weight_decay", None) or getattr(
        optimizer, "_exclude_from_weight_decay_pattern", None
    ):
        wrong["exclude_from_weight_decay"] = "called"
    rate = optimizer._learning_rate
    if callable(rate) and not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule | keras.Variable):
        wrong["learning_rate"] = rate
    if wrong:
        raise Unsupported(
            "an optimiser is configured in a way that no rule knows",
            where=name,
            expected=f"settings among {', '.join(sorted(known | COMMON))}; {_words(OFF)}",
            found=_words(wrong),
            help="compile the model without it, and write it into the loop by hand",
        )
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        schedule, lr = _schedule(rate)
        return rule.from_keras(config, lr), schedule
    return rule.from_keras(config, _rounded(config["learning_rate"])), None


def _rounded(rate: float) -> float:
    """The number that was most likely written, of one that was kept in float32: the shortest that rounds to it."""
    import numpy as np

    return float(str(np.float32(rate)))


def _schedule(schedule: Any) -> tuple[Setting, float]:
    """The schedule, and the rate that its formula starts from.

    Raises:
        Unsupported: it has no rule, or moves in a way that the rule does not know.
    """
    name = type(schedule).__name__
    if type(schedule) is not getattr(require().optimizers.schedules, name, None) or name not in SCHEDULES:
        raise _unknown("a schedule", name, SCHEDULES)
    return SCHEDULES[name](schedule.get_config())


def _plateau(callbacks: Sequence[Any]) -> Setting | None:
    """A ReduceLROnPlateau, in PyTorch's words, where patience and cooldown end one epoch later.

    Raises:
        Unsupported: it does not say whether less is better.
    """
    kind = require().callbacks.ReduceLROnPlateau
    for item in callbacks:
        if type(item) is not kind:
            continue
        mode = "min" if item.mode == "auto" and item.monitor in ("loss", "val_loss") else item.mode
        if mode == "auto":
            raise Unsupported(
                "a ReduceLROnPlateau leaves it to the name of its metric whether less is better",
                where=item.monitor,
                expected="mode='min' or mode='max'",
                found="mode='auto'",
                help="make the callback with one of both",
            )
        fields = {"factor": item.factor, "patience": max(item.patience - 1, 0), "mode": mode}
        fields |= {"threshold": abs(item.min_delta), "threshold_mode": "abs", "cooldown": max(item.cooldown - 1, 0)}
        return Setting("plateau", {**fields, "min_lr": item.min_lr, "eps": 0.0, "monitor": item.monitor})
    return None


def _loss(loss: Any) -> Setting:
    """From what ``compile`` was given: an object, a function, or the name of one.

    Raises:
        Unsupported: it, or a setting, has no rule; or there are several.
    """
    losses = require().losses
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    rule: Loss | None = BY_KERAS_FUNCTION.get(name) or LOSSES.get(name)
    known = [*LOSSES, *BY_KERAS_FUNCTION]
    if rule is None:
        raise _unknown("a loss", name, known)
    if isinstance(loss, str):
        return rule.from_keras({})
    if not isinstance(loss, losses.Loss):
        if loss is not getattr(losses, name, None):
            raise _unknown("a loss", name, known)
        return rule.from_keras({})
    if type(loss) is not getattr(losses, name, None):
        raise _unknown("a loss", name, known)
    # its configuration leaves out some of what it was given
    given = dict(loss._fn_kwargs)
    axis = given.pop("axis", -1)
    strange = {key: value for key, value in given.items() if key not in rule.keras_fields}
    strange |= {"axis": axis} if axis != -1 else {}
    strange |= {"reduction": loss.reduction} if loss.reduction not in MEANS else {}
    if strange:
        raise Unsupported(
            "a loss is configured in a way that no rule knows",
            where=name,
            expected=f"settings among {', '.join(['reduction', *rule.keras_fields])}, and axis=-1",
            found=_words(strange),
        )
    return rule.from_keras({**given, "reduction": MEANS[loss.reduction]})


def _with_penalty(optimizer: Setting, model: Any) -> tuple[Setting, list[str]]:
    """With the penalty that all trainable weights have, which is PyTorch's weight decay.

    Raises:
        Unsupported: the weights have different penalties, or others than on their squares.
    """
    regularizers = require().regularizers
    found = {
        variable.path: (variable.regularizer, _strength(variable.regularizer, regularizers))
        for variable in model.trainable_variables
    }
    others = [getattr(layer, "activity_regularizer", None) for layer in model._flatten_layers()]
    strengths = {strength for _, strength in found.values()}
    if strengths <= {0.0} and not any(others):
        return optimizer, []
    if len(strengths) == 1 and None not in strengths and not any(others) and not optimizer.fields["weight_decay"]:
        (penalty,) = strengths
        decay = 2 * (penalty or 0.0)
        fields = {**optimizer.fields, "weight_decay": decay, "decoupled_weight_decay": False}
        return Setting(optimizer.kind, fields), [PENALTY.format(penalty=penalty, decay=decay)]
    named = [f"{path} {type(item).__name__}" for path, (item, strength) in found.items() if strength != 0.0]
    raise Unsupported(
        "a model has penalties on some of its weights or activations, which no optimiser of PyTorch's can be given",
        where=model.name,
        expected="none, or the same L2 on every trainable weight, and no weight_decay besides",
        found=", ".join(named[:5]) or "penalties on activations",
        help="take them off, and add them to the loss in the loop: loss + strength * weight.square().sum()",
    )


def _strength(regularizer: Any, regularizers: Any) -> float | None:
    """What the square of a weight is multiplied by, None for another penalty."""
    if regularizer is None:
        return 0.0
    kind = type(regularizer)
    if kind is regularizers.L2:
        return _rounded(float(regularizer.l2))
    if kind is regularizers.L1L2 and not float(regularizer.l1):
        return _rounded(float(regularizer.l2))
    return None


def _words(settings: Mapping[str, object]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in settings.items())


def _unknown(what: str, name: str, known: Any) -> Unsupported:
    return Unsupported(
        f"{what} is of a class that no rule knows",
        where=name,
        expected=f"one of {', '.join(sorted(known))}",
        found=name,
        help="leave it out, and write its counterpart by hand",
    )
