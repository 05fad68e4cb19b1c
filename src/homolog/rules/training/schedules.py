"""Schedules of the learning rate: their kinds, fields and formulas.

A formula is Python over the fields and ``lr``, the rate that the optimiser is made with; ``epoch`` counts the calls of
``scheduler.step()``, whatever its user calls it after. The formulas are the closed forms of PyTorch 2.13's schedulers,
and those of Keras 3.15's for kinds that only Keras has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from homolog.rules.training.setup import Fields, Setting

COSINE = "{eta_min} + ({lr} - {eta_min}) * (1 + math.cos(math.pi * {epoch} / {T_max})) / 2"


@dataclass(frozen=True)
class Schedule:
    """A kind of schedule.

    Attributes:
        kind: as in ``Setting.kind``.
        torch: name of the class in ``torch.optim.lr_scheduler``; empty if PyTorch has none.
        fields: words of the class, which are attributes of its objects too.
        formula: the rate, with names of fields in braces; empty where it is written in a way of its own.
        length: epochs until the rate stays as it is, None if it never does.
    """

    kind: str
    torch: str = ""
    fields: tuple[str, ...] = ()
    formula: str = ""
    length: Callable[[Fields], int | None] = lambda fields: None

    def rate(self, fields: Fields, lr: float, epoch: str = "epoch") -> str:
        """The formula with its numbers, an expression over ``epoch``."""
        return self.formula.format(**{name: repr(value) for name, value in fields.items()}, lr=repr(lr), epoch=epoch)


def _total(fields: Fields) -> int:
    return cast(int, fields["total_iters"])


def _last_milestone(fields: Fields) -> int:
    return max(cast(Sequence[int], fields["milestones"]), default=0)


TABLE = (
    Schedule("step", "StepLR", ("step_size", "gamma"), "{lr} * {gamma} ** ({epoch} // {step_size})"),
    Schedule(
        "multistep",
        "MultiStepLR",
        ("milestones", "gamma"),
        "{lr} * {gamma} ** sum({epoch} >= milestone for milestone in {milestones})",
        _last_milestone,
    ),
    Schedule("exponential", "ExponentialLR", ("gamma",), "{lr} * {gamma} ** {epoch}"),
    Schedule(
        "constant",
        "ConstantLR",
        ("factor", "total_iters"),
        "{lr} * ({factor} if {epoch} < {total_iters} else 1)",
        _total,
    ),
    Schedule(
        "linear",
        "LinearLR",
        ("start_factor", "end_factor", "total_iters"),
        "{lr} * ({start_factor} + ({end_factor} - {start_factor}) * min({epoch}, {total_iters}) / {total_iters})",
        _total,
    ),
    Schedule(
        "polynomial",
        "PolynomialLR",
        ("total_iters", "power"),
        "{lr} * (1 - min({epoch}, {total_iters}) / {total_iters}) ** {power}",
        _total,
    ),
    Schedule("cosine", "CosineAnnealingLR", ("T_max", "eta_min"), COSINE, lambda fields: cast(int, fields["T_max"])),
    Schedule("cosine_restarts", "CosineAnnealingWarmRestarts", ("T_0", "T_mult", "eta_min")),
    Schedule(
        "one_cycle",
        "OneCycleLR",
        (
            *("max_lr", "total_steps", "pct_start", "anneal_strategy", "cycle_momentum", "base_momentum"),
            *("max_momentum", "div_factor", "final_div_factor", "three_phase"),
        ),
    ),
    Schedule(
        "plateau",
        "ReduceLROnPlateau",
        ("mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr", "eps"),
    ),
    # schedulers (settings), and the epochs that the second and all after it begin at
    Schedule("sequential", "SequentialLR", ("schedulers", "milestones")),
    Schedule("piecewise", "", ("boundaries", "values"), "{values}[bisect.bisect_left({boundaries}, {epoch})]"),
    Schedule(
        "polynomial_to",
        "",
        ("total_iters", "power", "end"),
        "({lr} - {end}) * (1 - min({epoch}, {total_iters}) / {total_iters}) ** {power} + {end}",
        _total,
    ),
    Schedule("inverse_time", "", ("decay_steps", "decay_rate"), "{lr} / (1 + {decay_rate} * {epoch} / {decay_steps})"),
    Schedule(
        "inverse_time_stairs",
        "",
        ("decay_steps", "decay_rate"),
        "{lr} / (1 + {decay_rate} * ({epoch} // {decay_steps}))",
    ),
    Schedule(
        "cosine_after_warmup",
        "",
        ("start", "warmup", "T_max", "eta_min"),
        "{start} + ({lr} - {start}) * {epoch} / {warmup} if {epoch} < {warmup} else "
        + COSINE.replace("{epoch}", "min({epoch} - {warmup}, {T_max})"),
    ),
)

BY_KIND: Mapping[str, Schedule] = {schedule.kind: schedule for schedule in TABLE}
BY_TORCH: Mapping[str, Schedule] = {schedule.torch: schedule for schedule in TABLE if schedule.torch}


def imports(text: str) -> tuple[str, ...]:
    """What a formula needs."""
    return tuple(f"import {name}" for name in ("bisect", "math") if f"{name}." in text)


def parts(sequential: Setting) -> list[tuple[Setting, int, int | None]]:
    """The schedules of a sequence, each with the epoch that it begins at and the one that it ends before."""
    settings = cast(Sequence[Setting], sequential.fields["schedulers"])
    begins = [0, *cast(Sequence[int], sequential.fields["milestones"])]
    return list(zip(settings, begins, [*begins[1:], None], strict=True))
