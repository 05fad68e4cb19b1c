"""Optimiser, loss and schedule of PyTorch, as objects, read into a training setup."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from homolog.errors import Unsupported
from homolog.pytorch.framework import require
from homolog.rules.training.losses import BY_TORCH as LOSSES
from homolog.rules.training.losses import BY_TORCH_FUNCTION
from homolog.rules.training.optimizers import BY_TORCH as OPTIMIZERS
from homolog.rules.training.schedules import BY_TORCH as SCHEDULES
from homolog.rules.training.setup import Setting, Setup

if TYPE_CHECKING:
    import torch

HOW = {"params", "param_names", "foreach", "capturable", "differentiable", "fused"}
"""Keys of a parameter group that say how an update is computed, not what."""
RATES = {"initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum"}
"""Keys that a scheduler puts into a parameter group."""
COMMON = {"lr", "weight_decay", "decoupled_weight_decay", "maximize"}
OBSOLETE = {"size_average", "reduce"}
STARTED = (
    "the optimiser has been training: what it keeps of {count} tensors (moments, steps) is not carried over, and "
    "training starts anew"
)
ADVANCED = "the schedule has advanced by {count} steps; what is written starts from the beginning"
SCHEDULED = (
    "the optimiser's rate is {lr}, and was {initial} before a schedule that was not given moved it; {lr} is taken"
)


def read(
    optimizer: torch.optim.Optimizer | None = None,
    loss: Any = None,
    scheduler: Any = None,
    model: torch.nn.Module | None = None,
) -> Setup:
    """A setup from live objects, each of which may be left out.

    Args:
        optimizer: of ``torch.optim``, with one parameter group, or several that are set alike.
        loss: a module of ``torch.nn``, or a function of ``torch.nn.functional``, as it is or with keywords in a
            ``functools.partial``.
        scheduler: of ``torch.optim.lr_scheduler``, for that optimiser.
        model: what is trained; if given, the optimiser has to hold all of its parameters that want gradients.

    Raises:
        Unsupported: a class or a setting that no rule knows.
    """
    if scheduler is not None and optimizer is None:
        optimizer = scheduler.optimizer
    notes: list[str] = []
    group = None if optimizer is None else _group(optimizer)
    if optimizer is not None and group is not None:
        if model is not None:
            _refuse_leftovers(optimizer, model)
        started = sum(map(_has_begun, optimizer.state.values()))
        if started:
            notes.append(STARTED.format(count=started))
        _settle_rate(group, scheduler, notes)
    if scheduler is not None and scheduler.last_epoch > 0:
        notes.append(ADVANCED.format(count=scheduler.last_epoch))
    return Setup(
        None if optimizer is None or group is None else OPTIMIZERS[type(optimizer).__name__].from_torch(group),
        None if loss is None else _loss(loss),
        None if scheduler is None else _schedule(scheduler),
        notes=tuple(notes),
    )


def _has_begun(state: Mapping[str, Any]) -> bool:
    """Whether an update has been made; some optimisers keep something from the start."""
    return bool(state["step"] > 0) if "step" in state else any(value is not None for value in state.values())


def _settle_rate(group: dict[str, Any], scheduler: Any, notes: list[str]) -> None:
    """Puts the rate that a schedule multiplies in place of the present one."""
    initial = group.get("initial_lr")
    if scheduler is not None and type(scheduler).__name__ != "ReduceLROnPlateau":
        group["lr"] = group["max_lr"] if type(scheduler).__name__ == "OneCycleLR" else initial
    elif initial is not None and initial != group["lr"] and scheduler is None:
        notes.append(SCHEDULED.format(lr=group["lr"], initial=initial))


def _group(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The one parameter group, its numbers plain.

    Raises:
        Unsupported: an optimiser without a rule, groups that differ, or a setting that is not known.
    """
    name = type(optimizer).__name__
    rule = OPTIMIZERS.get(name)
    if rule is None or type(optimizer) is not getattr(require().optim, name, None):
        raise _unknown("an optimiser", type(optimizer), OPTIMIZERS)
    groups = [
        {key: _plain(value) for key, value in group.items() if key not in HOW} for group in optimizer.param_groups
    ]
    for other in groups[1:]:
        apart = sorted(key for key in groups[0].keys() | other.keys() if groups[0].get(key) != other.get(key))
        if apart:
            raise Unsupported(
                "the parameter groups of an optimiser are set differently, which Keras's cannot be",
                where=name,
                expected="groups with the same settings",
                found=", ".join(f"{key}: {groups[0].get(key)!r} and {other.get(key)!r}" for key in apart),
                help="make the optimiser with one group, or compile the Keras model by hand "
                "(weight decay: optimizer.exclude_from_weight_decay)",
            )
    (group,) = groups[:1]
    known = {word.torch for word in rule.words} | COMMON | RATES
    wrong = [f"{key}={value!r}" for key, value in group.items() if key not in known]
    wrong += ["maximize=True"] if group.get("maximize") else []
    if wrong:
        raise Unsupported(
            "an optimiser is configured in a way that no rule knows",
            where=name,
            expected=f"settings among {', '.join(sorted(known - RATES))}, and maximize=False",
            found=", ".join(wrong),
            help="train on the negative of what is to be maximised" if group.get("maximize") else None,
        )
    return group


def _refuse_leftovers(optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> None:
    """Raises if the optimiser leaves parameters as they are that Keras would train.

    Raises:
        Unsupported: it does.
    """
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    names = [name for name, item in model.named_parameters() if item.requires_grad and id(item) not in held]
    if names:
        raise Unsupported(
            "the optimiser does not hold all of the model's parameters, and Keras trains all that are trainable",
            where=type(optimizer).__name__,
            expected="every parameter with requires_grad in the optimiser",
            found=f"not there: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}",
            help="freeze them before translating: parameter.requires_grad_(False)",
        )


def _loss(loss: Any) -> Setting:
    """From a module or function.

    Raises:
        Unsupported: it has no rule, or a setting that the rule does not know.
    """
    torch = require()
    if isinstance(loss, torch.nn.Module):
        name = type(loss).__name__
        rule = LOSSES.get(name)
        if rule is None or type(loss) is not getattr(torch.nn, name, None):
            raise _unknown("a loss", type(loss), LOSSES)
        empty = vars(torch.nn.Module())
        found = {key: value for key, value in vars(loss).items() if key not in empty}
        found.update(loss.named_buffers())
    else:
        called = loss.func if isinstance(loss, functools.partial) and not loss.args else loss
        name = getattr(called, "__name__", "")
        rule = BY_TORCH_FUNCTION.get(name)
        if rule is None or called is not getattr(torch.nn.functional, name, None):
            raise _unknown("a loss", called, [*LOSSES, *BY_TORCH_FUNCTION])
        found = dict(loss.keywords) if called is not loss else {}
    known = {"reduction", *rule.torch_fields}
    plain = {key: _plain(value) for key, value in found.items() if not (key in OBSOLETE and value is None)}
    strange = [f"{key}={value!r}" for key, value in plain.items() if key not in known and value is not None]
    if strange:
        raise Unsupported(
            "a loss is configured in a way that no rule knows",
            where=name,
            expected=f"settings among {', '.join(sorted(known))}",
            found=", ".join(strange),
        )
    return rule.from_torch({key: value for key, value in plain.items() if key in known})


def _schedule(scheduler: Any) -> Setting:
    """From a scheduler.

    Raises:
        Unsupported: it has no rule.
    """
    name = type(scheduler).__name__
    rule = SCHEDULES.get(name)
    if rule is None or type(scheduler) is not getattr(require().optim.lr_scheduler, name, None):
        raise _unknown("a schedule", type(scheduler), SCHEDULES)
    if rule.kind == "sequential":
        within = tuple(_schedule(part) for part in scheduler._schedulers)
        return Setting(rule.kind, {"schedulers": within, "milestones": tuple(scheduler._milestones)})
    if rule.kind == "one_cycle":
        return Setting(rule.kind, _one_cycle(scheduler))
    if rule.kind == "plateau":
        own = {word: getattr(scheduler, word) for word in rule.fields if word != "min_lr"}
        return Setting(rule.kind, {**own, "min_lr": float(max(scheduler.min_lrs))})
    fields = {word: _plain(getattr(scheduler, word)) for word in rule.fields}
    if rule.kind == "multistep":
        fields["milestones"] = sorted(scheduler.milestones.elements())
    return Setting(rule.kind, fields)


def _one_cycle(scheduler: Any) -> dict[str, object]:
    """The arguments of a OneCycleLR, from what it keeps of them."""
    group, phases = scheduler.optimizer.param_groups[0], scheduler._schedule_phases
    total = scheduler.total_steps
    return {
        "max_lr": _plain(group["max_lr"]),
        "total_steps": total,
        "pct_start": (phases[0]["end_step"] + 1) / total,
        "anneal_strategy": scheduler._anneal_func_type,
        "cycle_momentum": scheduler.cycle_momentum,
        "base_momentum": group.get("base_momentum", 0.85),
        "max_momentum": group.get("max_momentum", 0.95),
        "div_factor": group["max_lr"] / group["initial_lr"],
        "final_div_factor": group["initial_lr"] / group["min_lr"],
        "three_phase": len(phases) == 3,
    }


def _plain(value: Any) -> Any:
    """Numbers in place of tensors, tuples in place of lists."""
    torch = require()
    if isinstance(value, torch.Tensor):
        return value.item() if value.ndim == 0 else tuple(value.detach().cpu().reshape(-1).tolist())
    return tuple(_plain(item) for item in value) if isinstance(value, list | tuple) else value


def _unknown(what: str, found: Any, known: Mapping[str, object] | Iterable[str]) -> Unsupported:
    name = found.__qualname__ if inspect.isclass(found) or inspect.isroutine(found) else type(found).__qualname__
    return Unsupported(
        f"{what} is of a class that no rule knows",
        where=f"{getattr(found, '__module__', '')}.{name}",
        expected=f"one of {', '.join(sorted(known))}",
        found=name,
        help="leave it out, and write its counterpart by hand",
    )
