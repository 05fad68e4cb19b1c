"""Schedules written in Keras: an object that counts updates, or a callback of ``fit`` where no object can.

PyTorch's schedulers move when the user's loop says so, mostly once an epoch, and Keras's objects with each update, of
which an epoch has ``steps_per_epoch``.
"""

from __future__ import annotations

from typing import cast

from homolog.rules.training.schedules import BY_KIND, imports, parts
from homolog.rules.training.setup import Fields, Setting
from homolog.rules.training.writing import Code, Piece, assigned, unsupported

SCHEDULES = "keras.optimizers.schedules"
STEPS = "steps_per_epoch"
LONGEST = 1000
"""Values that are listed one by one; each is a comparison in every step of training."""

RISES_AGAIN = (
    "T_max={T_max}: at the end of the cosine PyTorch's rate rises again, Keras's stays at the lowest. It matters to "
    "training that goes on longer"
)
MOVES_WITHIN = (
    "CosineAnnealingWarmRestarts: PyTorch holds the rate between two calls of scheduler.step(), Keras's falls with "
    "every update; both are the same at the first update of each epoch. If your loop calls scheduler.step() after each "
    "batch, set steps_per_epoch to 1 and count T_0 in batches"
)
ROUNDED_RESTART = (
    "T_mult={T_mult}: Keras finds the epoch of a restart by logarithms in float32, and may hold the lowest rate for "
    "one update more"
)
MOMENTUM_IS_CYCLED = (
    "cycle_momentum=True: PyTorch moves the momentum between {base} and {top} against the rate, Keras's is fixed, here "
    "at what the optimiser had when it was read. Set cycle_momentum=False in PyTorch to train alike"
)
CYCLE_ENDS = "OneCycleLR: PyTorch raises after total_steps={total}, here the last rate stays"
ONE_BATCH_A_CALL = (
    "OneCycleLR: the callback sets the rate in front of each batch, so leave steps_per_execution at 1, and take "
    "another backend than JAX, on which fit looks at the rate once an epoch"
)
MONITORED = (
    "ReduceLROnPlateau: what PyTorch's is given in scheduler.step(…) is not known; the callback watches val_loss, "
    "which takes validation data in fit"
)
RELATIVE = (
    "threshold={threshold} with threshold_mode='rel': PyTorch asks for that share of the best value, Keras for that "
    "much itself. The same while the value is near 1; set min_delta to the share times a usual value"
)
SMALL_STEPS = "eps={eps}: PyTorch leaves the rate where it would change by less, Keras does not"


def keras_schedule(schedule: Setting, lr: float, steps: int) -> Piece:
    """Lines that make ``schedule``, with ``value`` for the optimiser's rate; or a callback, with the rate itself.

    Args:
        schedule: of any kind.
        lr: of the optimiser.
        steps: updates between two calls of ``scheduler.step()``; a line sets ``steps_per_epoch`` to it.

    Raises:
        Unsupported: no object of Keras's gives these rates.
    """
    head = (f"{STEPS} = {steps}",)
    if schedule.kind == "plateau":
        return _plateau(schedule.fields, lr)
    if schedule.kind == "one_cycle":
        return _with(head, _one_cycle(schedule.fields))
    if schedule.kind == "cosine_restarts":
        return _with(head, _restarts(schedule.fields, lr, steps))
    if schedule.kind in ("step", "exponential"):
        every = schedule.fields.get("step_size", 1)
        return _with(
            head,
            _object(
                "ExponentialDecay",
                initial_learning_rate=lr,
                decay_steps=Code(f"{every} * {STEPS}" if every != 1 else STEPS),
                decay_rate=schedule.fields["gamma"],
                staircase=True,
            ),
        )
    smooth = _smooth(schedule, lr) if steps == 1 else None
    last = parts(schedule)[-1][0] if schedule.kind == "sequential" else schedule
    rises = (RISES_AGAIN.format(**last.fields),) if last.kind == "cosine" else ()
    piece = _with(head, _listed(schedule, lr)) if smooth is None else smooth
    return Piece(piece.lines, piece.value, piece.imports, (*piece.differences, *rises))


def _with(head: tuple[str, ...], piece: Piece) -> Piece:
    return Piece((*head, *piece.lines), piece.value, piece.imports, piece.differences, fit=piece.fit)


def _object(name: str, *differences: str, **arguments: object) -> Piece:
    return Piece(
        assigned("schedule", f"{SCHEDULES}.{name}", **arguments), "schedule", ("import keras",), tuple(differences)
    )


def _smooth(schedule: Setting, lr: float) -> Piece | None:
    """One of Keras's formulas, where the schedule moves with each update; None if it has none."""
    fields = schedule.fields
    if schedule.kind in ("linear", "polynomial", "polynomial_to"):
        start, end = cast(float, fields.get("start_factor", 1.0)), cast(float, fields.get("end_factor", 0.0))
        return _object(
            "PolynomialDecay",
            initial_learning_rate=lr * start,
            decay_steps=fields["total_iters"],
            end_learning_rate=fields.get("end", lr * end),
            power=fields.get("power", 1.0),
        )
    if schedule.kind in ("inverse_time", "inverse_time_stairs"):
        stairs = {"staircase": True} if schedule.kind.endswith("stairs") else {}
        return _object("InverseTimeDecay", initial_learning_rate=lr, **fields, **stairs)
    if schedule.kind == "piecewise":
        return _object("PiecewiseConstantDecay", boundaries=fields["boundaries"], values=fields["values"])
    if schedule.kind == "cosine":
        return _object("CosineDecay", initial_learning_rate=lr, decay_steps=fields["T_max"], alpha=_alpha(fields, lr))
    warm = _warmed(schedule, lr)
    if warm is None:
        return None
    return _object(
        "CosineDecay",
        initial_learning_rate=warm["start"],
        decay_steps=warm["T_max"],
        alpha=_alpha(warm, lr),
        warmup_target=lr,
        warmup_steps=warm["warmup"],
    )


def _alpha(fields: Fields, lr: float) -> float:
    """The lowest rate as a share of the highest."""
    return cast(float, fields["eta_min"]) / lr


def _warmed(schedule: Setting, lr: float) -> Fields | None:
    """Fields of a cosine after a linear rise to the whole rate, if the schedule is one."""
    if schedule.kind == "cosine_after_warmup":
        return schedule.fields
    if schedule.kind != "sequential":
        return None
    (first, _, ends), *others = parts(schedule)
    if first.kind != "linear" or [part.kind for part, _, _ in others] != ["cosine"]:
        return None
    if first.fields["end_factor"] != 1 or first.fields["total_iters"] != ends:
        return None
    return {"start": lr * cast(float, first.fields["start_factor"]), "warmup": ends, **others[0][0].fields}


def _listed(schedule: Setting, lr: float) -> Piece:
    """``PiecewiseConstantDecay`` with the rate of every epoch until it stays.

    Raises:
        Unsupported: it never stays, or too late.
    """
    lists = []
    total = 0
    for part, begins, ends in parts(schedule) if schedule.kind == "sequential" else [(schedule, 0, None)]:
        rule = BY_KIND[part.kind]
        length = rule.length(part.fields) if rule.formula else None
        count = ends - begins if ends is not None else None if length is None else length + 1
        if count is None or not rule.formula:
            raise unsupported(
                "a schedule cannot be carried over to Keras",
                where=rule.torch or part.kind,
                expected="one that can be listed: its rate has a formula of the epoch, and comes to rest",
                found=f"{rule.torch or part.kind}{_in_words(part.fields)}",
                help="give steps_per_epoch=1 if your loop steps the scheduler after each batch, or write a "
                "keras.callbacks.LearningRateScheduler",
            )
        lists.append(f"[{rule.rate(part.fields, lr)} for epoch in range({count})]")
        total += count
    if total > LONGEST:
        raise unsupported(
            "a schedule cannot be carried over to Keras",
            where=BY_KIND[schedule.kind].torch or schedule.kind,
            expected=f"one of at most {LONGEST} epochs, each of which Keras compares in every update",
            found=f"{total}",
            help="give steps_per_epoch=1 if your loop steps the scheduler after each batch",
        )
    if total == 1:
        text = f"{lists[0]}[0]"
        return Piece((f"schedule = {text}",), "schedule", imports(text))
    lines = ("rates = [", *(f"    *{item}," for item in lists), "]") if len(lists) > 1 else (f"rates = {lists[0]}",)
    made = assigned(
        "schedule",
        f"{SCHEDULES}.PiecewiseConstantDecay",
        Code(f"[epoch * {STEPS} - 1 for epoch in range(1, len(rates))]"),
        Code("rates"),
    )
    return Piece((*lines, *made), "schedule", ("import keras", *imports("".join(lists))))


def _in_words(fields: Fields) -> str:
    return f"({', '.join(f'{name}={value!r}' for name, value in fields.items())})"


def _restarts(fields: Fields, lr: float, steps: int) -> Piece:
    differences = [MOVES_WITHIN] if steps != 1 else []
    if fields["T_mult"] != 1:
        differences.append(ROUNDED_RESTART.format(**fields))
    return _object(
        "CosineDecayRestarts",
        *differences,
        initial_learning_rate=lr,
        first_decay_steps=Code(f"{fields['T_0']} * {STEPS}"),
        t_mul=float(cast(int, fields["T_mult"])),
        alpha=_alpha(fields, lr),
    )


def _one_cycle(fields: Fields) -> Piece:
    """A callback in front of each batch: rates of up to three phases, each from one rate to another."""
    top, total = cast(float, fields["max_lr"]), cast(int, fields["total_steps"])
    start = top / cast(float, fields["div_factor"])
    low = start / cast(float, fields["final_div_factor"])
    share = cast(float, fields["pct_start"])
    ends = [share * total - 1, *([2 * share * total - 2] if fields["three_phase"] else []), total - 1]
    rates = [start, top, *([start] if fields["three_phase"] else []), low]
    phases = list(zip([0.0, *ends[:-1]], ends, rates[:-1], rates[1:], strict=True))
    cosine = fields["anneal_strategy"] == "cos"
    lines = (
        "def set_rate(batch, logs=None):",
        f"    step = min(int(keras.ops.convert_to_numpy(optimizer.iterations)) // {STEPS}, {total - 1})",
        f"    phases = {phases}",
        "    begin, end, before, after = next((phase for phase in phases if step <= phase[1]), phases[-1])",
        "    share = (step - begin) / (end - begin)",
        *(("    share = (1 - math.cos(math.pi * share)) / 2",) if cosine else ()),
        "    optimizer.learning_rate = before + (after - before) * share",
    )
    differences = [CYCLE_ENDS.format(total=total), ONE_BATCH_A_CALL]
    if fields["cycle_momentum"]:
        differences.insert(0, MOMENTUM_IS_CYCLED.format(base=fields["base_momentum"], top=fields["max_momentum"]))
    callback = Code("[keras.callbacks.LambdaCallback(on_train_batch_begin=set_rate)]")
    return Piece(
        lines,
        repr(start),
        ("import keras", *(("import math",) if cosine else ())),
        tuple(differences),
        fit={"callbacks": callback},
    )


def _plateau(fields: Fields, lr: float) -> Piece:
    """Keras waits until ``patience`` epochs were bad, PyTorch until more were; so it is with ``cooldown``."""
    cooldown = cast(int, fields["cooldown"])
    lines = assigned(
        "plateau",
        "keras.callbacks.ReduceLROnPlateau",
        monitor="val_loss",
        mode=fields["mode"],
        factor=fields["factor"],
        patience=cast(int, fields["patience"]) + 1,
        min_delta=fields["threshold"],
        cooldown=cooldown + 1 if cooldown else 0,
        min_lr=fields["min_lr"],
    )
    differences = [MONITORED]
    if fields["threshold_mode"] == "rel" and fields["threshold"]:
        differences.append(RELATIVE.format(**fields))
    if fields["eps"]:
        differences.append(SMALL_STEPS.format(**fields))
    return Piece(lines, repr(lr), ("import keras",), tuple(differences), fit={"callbacks": Code("[plateau]")})
