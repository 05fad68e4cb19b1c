"""The optimisers that both frameworks have, and how the two of a pair differ.

The formulas are those of ``torch.optim`` (the single-tensor functions) and of ``update_step`` in ``keras.optimizers``,
as of PyTorch 2.13 and Keras 3.15.
"""

from __future__ import annotations

import math
from typing import cast

from homolog.rules.training.optimizer import Optimizer, Word
from homolog.rules.training.setup import Fields, Setup


def _field(setup: Setup, name: str) -> float:
    return cast(float, setup.optimizer.fields[name]) if setup.optimizer else 0.0


def _square(value: object) -> object:
    return cast(float, value) ** 2


def _root(value: object) -> object:
    return math.sqrt(cast(float, value))


BETAS = Word("betas", "beta_1 beta_2")
EPS = Word("eps", "epsilon")
EPS_UNDER_THE_ROOT = Word("eps", "epsilon", to_keras=_square, from_keras=_root)
"""Keras adds it to what the root is taken of. Its square does there what it does outside, where it is all there is."""
MOMENTUM = Word("momentum", "momentum", 0.0, quiet=True)


def epsilon_shrinks(setup: Setup) -> str | None:
    """Adam divides by √(v / c) + eps in PyTorch and by (√v + epsilon) / √c in Keras, where c = 1 - beta2 ** step."""
    eps = _field(setup, "eps")
    if not eps or setup.optimizer is None:
        return None
    beta = cast(tuple[float, float], setup.optimizer.fields["betas"])[1]
    if beta == 0:
        return None
    times = 1 / math.sqrt(1 - beta)
    return (
        f"eps={eps}: PyTorch adds it to the corrected root, Keras to the uncorrected one, where it weighs "
        f"{times:.3g} times as much at the first step and the same after some {round(3 / (1 - beta))}; no constant "
        f"makes them equal. It matters only to weights whose gradients are not far larger than {eps * times:.1e}"
    )


def epsilon_under_the_root(setup: Setup) -> str | None:
    """√v + eps in PyTorch, √(v + epsilon) in Keras."""
    eps = _field(setup, "eps")
    if not eps:
        return None
    return (
        f"eps={eps:.3g}: PyTorch adds it to the root, Keras adds its own under it, and each is written as the root or "
        f"the square of the other. A step is larger in Keras by about the share of {eps:.3g} in the root of the "
        f"averaged squares, √2 times at most: it matters to weights whose gradients are not far larger than {eps:.3g}"
    )


def epsilon_in_the_maximum(setup: Setup) -> str | None:
    """max(beta2 u, |g| + eps) in PyTorch, max(beta2 u, |g|) + epsilon in Keras."""
    eps = _field(setup, "eps")
    if not eps:
        return None
    return (
        f"eps={eps}: PyTorch adds it to each gradient before the maximum, Keras to the maximum. It matters only to "
        f"weights whose gradients are not far larger than {eps:.1e}"
    )


def velocity_holds_rates(setup: Setup) -> str | None:
    """PyTorch multiplies the velocity by the rate, Keras what goes into it."""
    if not _field(setup, "momentum") or setup.schedule is None:
        return None
    return (
        f"momentum={_field(setup, 'momentum')} with a schedule: PyTorch multiplies the velocity by the present rate, "
        "Keras every gradient by the rate it came at. The same while the rate is constant; after a drop by a factor, "
        f"Keras's velocity is still that much larger and takes some {_memory(_field(setup, 'momentum'))} steps to "
        "fade, which no setting changes"
    )


def _memory(momentum: float) -> str:
    """Steps until a velocity has lost 95 % of what it was."""
    return str(max(1, round(math.log(0.05) / math.log(momentum)))) if 0 < momentum < 1 else "uncounted"


def momentum_rises_faster(setup: Setup) -> str | None:
    """beta1 (1 - ½ 0.96 ** (step momentum_decay)) in PyTorch, in Keras with 1 for momentum_decay."""
    decay = _field(setup, "momentum_decay")
    if decay == 1:
        return None
    return (
        f"momentum_decay={decay}: Keras has no such setting and behaves as with 1, so that the momentum nears beta1 in "
        f"some 75 steps{f' rather than {round(75 / decay)}' if decay else ' and not at all in PyTorch'}. Early steps "
        "differ visibly"
    )


def _without_momentum(fields: Fields) -> bool:
    return not fields["momentum"]


def _dampening(fields: Fields) -> str | None:
    """Without a velocity there is nothing to dampen."""
    return f"dampening={fields['dampening']}" if fields["dampening"] and fields["momentum"] else None


def _lr_decay(fields: Fields) -> str | None:
    return f"lr_decay={fields['lr_decay']}" if fields["lr_decay"] else None


SGD = Optimizer(
    "sgd",
    "SGD",
    "SGD",
    (MOMENTUM, Word("dampening", otherwise=0.0, quiet=True), Word("nesterov", "nesterov", False, quiet=True)),
    (velocity_holds_rates,),
    plain=_without_momentum,
    refusal=_dampening,
)
ADAM = Optimizer(
    "adam",
    "Adam",
    "Adam",
    (BETAS, EPS, Word("amsgrad", "amsgrad", False, quiet=True)),
    (epsilon_shrinks,),
    torch_decoupled="AdamW",
    keras_decoupled="AdamW",
)
RMSPROP = Optimizer(
    "rmsprop",
    "RMSprop",
    "RMSprop",
    (Word("alpha", "rho"), EPS_UNDER_THE_ROOT, MOMENTUM, Word("centered", "centered", False, quiet=True)),
    (epsilon_under_the_root, velocity_holds_rates),
)
ADAGRAD = Optimizer(
    "adagrad",
    "Adagrad",
    "Adagrad",
    (
        Word("initial_accumulator_value", "initial_accumulator_value"),
        EPS_UNDER_THE_ROOT,
        Word("lr_decay", otherwise=0.0, quiet=True),
    ),
    (epsilon_under_the_root,),
    refusal=_lr_decay,
)
ADADELTA = Optimizer("adadelta", "Adadelta", "Adadelta", (Word("rho", "rho"), EPS))
ADAMAX = Optimizer("adamax", "Adamax", "Adamax", (BETAS, EPS), (epsilon_in_the_maximum,))
NADAM = Optimizer(
    "nadam",
    "NAdam",
    "Nadam",
    (BETAS, EPS, Word("momentum_decay", otherwise=1.0)),
    (momentum_rises_faster,),
    torch_decoupled="NAdam",
)

TABLE = (SGD, ADAM, RMSPROP, ADAGRAD, ADADELTA, ADAMAX, NADAM)

BY_KIND = {optimizer.kind: optimizer for optimizer in TABLE}
BY_TORCH = {name: optimizer for optimizer in TABLE for name in (optimizer.torch, optimizer.torch_decoupled) if name}
BY_KERAS = {name: optimizer for optimizer in TABLE for name in (optimizer.keras, optimizer.keras_decoupled) if name}
