"""Schedules written in PyTorch: its own class where it has one, else its ``LambdaLR`` with Keras's formula."""

from __future__ import annotations

from typing import cast

from homolog.rules.training.schedules import BY_KIND, imports, parts
from homolog.rules.training.setup import Setting
from homolog.rules.training.writing import Code, Piece, assigned

SCHEDULERS = "torch.optim.lr_scheduler"
RISES_AGAIN = (
    "T_max={T_max}: after that many steps PyTorch's rate rises again, Keras's stays at the lowest; stop calling "
    "scheduler.step() there"
)


def torch_schedule(schedule: Setting, lr: float) -> Piece:
    """Lines that make ``scheduler`` for ``optimizer``."""
    lines, needs = _written("scheduler", schedule, lr)
    rises = (RISES_AGAIN.format(**schedule.fields),) if schedule.kind == "cosine" else ()
    return Piece(lines, "scheduler", ("import torch", *needs), rises)


def _written(name: str, schedule: Setting, lr: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lines that make one scheduler, and their imports."""
    rule = BY_KIND[schedule.kind]
    optimizer = Code("optimizer")
    if schedule.kind == "sequential":
        lines: list[str] = []
        needs: list[str] = []
        names = []
        for number, (part, _, _) in enumerate(parts(schedule), 1):
            names.append(f"{name}_{number}")
            written, needed = _written(names[-1], part, lr)
            lines += written
            needs += needed
        made = assigned(
            name,
            f"{SCHEDULERS}.SequentialLR",
            optimizer,
            Code(f"[{', '.join(names)}]"),
            milestones=list(cast(tuple[int, ...], schedule.fields["milestones"])),
        )
        return (*lines, *made), tuple(needs)
    if rule.torch:
        arguments = {word: schedule.fields[word] for word in rule.fields}
        return assigned(name, f"{SCHEDULERS}.{rule.torch}", optimizer, **arguments), ()
    rate = rule.rate(schedule.fields, lr, "step")
    lines = ["def factor(step):", f"    rate = {rate}", f"    return rate / {lr!r}"]
    return (*lines, *assigned(name, f"{SCHEDULERS}.LambdaLR", optimizer, Code("factor"))), imports(rate)
