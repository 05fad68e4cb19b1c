"""Keras's schedules, read from their configurations: the setting of each, and the rate that its formula starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from homolog.errors import Unsupported
from homolog.rules.training.setup import Setting

Config = Mapping[str, Any]


def _exponential(config: Config) -> tuple[Setting, float]:
    steps, share = config["decay_steps"], config["decay_rate"]
    if config["staircase"]:
        return Setting("step", {"step_size": steps, "gamma": share}), config["initial_learning_rate"]
    return Setting("exponential", {"gamma": share ** (1 / steps)}), config["initial_learning_rate"]


def _piecewise(config: Config) -> tuple[Setting, float]:
    """Any rate may be the one that factors multiply; the highest is not zero."""
    fields = {"boundaries": [*config["boundaries"]], "values": [*config["values"]]}
    return Setting("piecewise", fields), max(config["values"])


def _polynomial(config: Config) -> tuple[Setting, float]:
    _fixed("PolynomialDecay", config, cycle=False)
    lr, end = config["initial_learning_rate"], config["end_learning_rate"]
    fields = {"total_iters": config["decay_steps"], "power": config["power"]}
    if not end:
        return Setting("polynomial", fields), lr
    return Setting("polynomial_to", {**fields, "end": end}), lr


def _inverse_time(config: Config) -> tuple[Setting, float]:
    kind = "inverse_time_stairs" if config["staircase"] else "inverse_time"
    fields = {name: config[name] for name in ("decay_steps", "decay_rate")}
    return Setting(kind, fields), config["initial_learning_rate"]


def _cosine(config: Config) -> tuple[Setting, float]:
    start, top, steps = config["initial_learning_rate"], config["warmup_target"], config["decay_steps"]
    if top is None:
        return Setting("cosine", {"T_max": steps, "eta_min": config["alpha"] * start}), start
    if not config["warmup_steps"]:
        return Setting("cosine", {"T_max": steps, "eta_min": config["alpha"] * top}), top
    fields = {"start": start, "warmup": config["warmup_steps"], "T_max": steps, "eta_min": config["alpha"] * top}
    return Setting("cosine_after_warmup", fields), top


def _restarts(config: Config) -> tuple[Setting, float]:
    """PyTorch lengthens its cycles by whole factors, and all begin at the same rate."""
    _fixed("CosineDecayRestarts", config, m_mul=1.0, t_mul=float(round(config["t_mul"])))
    lr = config["initial_learning_rate"]
    fields = {"T_0": config["first_decay_steps"], "T_mult": round(config["t_mul"]), "eta_min": config["alpha"] * lr}
    return Setting("cosine_restarts", fields), lr


READERS: Mapping[str, Callable[[Config], tuple[Setting, float]]] = {
    "ExponentialDecay": _exponential,
    "PiecewiseConstantDecay": _piecewise,
    "PolynomialDecay": _polynomial,
    "InverseTimeDecay": _inverse_time,
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _restarts,
}


def _fixed(name: str, config: Config, **wanted: object) -> None:
    """Raises unless settings have the values that they have to.

    Raises:
        Unsupported: they have not.
    """
    wrong = {key: config[key] for key, value in wanted.items() if config[key] != value}
    if wrong:
        raise Unsupported(
            "a schedule is configured in a way that PyTorch has not",
            where=name,
            expected=", ".join(f"{key}={value!r}" for key, value in wanted.items()),
            found=", ".join(f"{key}={value!r}" for key, value in wrong.items()),
            help="compile the model with another, and write it as a LambdaLR by hand",
        )
