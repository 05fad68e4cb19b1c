"""Weight decay, which either framework does in a way of its own.

Coupled, decay × weight is added to the gradient, and passes through whatever the optimiser does with a gradient.
Decoupled, the weight is multiplied by 1 - rate × decay before the update. PyTorch's ``weight_decay`` is the first but
in AdamW and on request; Keras's is always the second.
"""

from __future__ import annotations

from typing import cast

from homolog.rules.training.optimizer import Optimizer
from homolog.rules.training.setup import Setting, Setup

PENALTY = (
    "weight_decay={decay}: PyTorch adds it times the weight to the gradient, Keras's weight_decay bypasses the "
    "gradient. Written as a penalty of half of it on the square of every trainable weight, which has that gradient: "
    "the loss that Keras prints holds the penalty, and a saved model does not keep it, so run this again after loading"
)
PENALTY_IS_CLIPPED = (
    "weight_decay={decay} with clipping: Keras clips the gradient of the penalty along, PyTorch adds weight decay "
    "after the clipping. It matters in steps whose gradients are clipped"
)


def _decay(optimizer: Setting) -> float:
    return cast(float, optimizer.fields["weight_decay"])


def _as_decoupled(rule: Optimizer, optimizer: Setting) -> bool:
    """Whether the weight decay bypasses the gradient, or it makes no difference."""
    return bool(optimizer.fields["decoupled_weight_decay"]) or rule.plain(optimizer.fields)


def keras_decay(rule: Optimizer, setup: Setup) -> tuple[str, dict[str, object], tuple[str, ...], tuple[str, ...]]:
    """The class, its arguments for weight decay, lines behind the optimiser, and differences."""
    assert setup.optimizer is not None
    decay = _decay(setup.optimizer)
    if not decay:
        return rule.keras, {}, (), ()
    if _as_decoupled(rule, setup.optimizer):
        return rule.keras_decoupled or rule.keras, {"weight_decay": decay}, (), ()
    lines = (
        "for variable in model.trainable_variables:",
        f"    variable.regularizer = keras.regularizers.L2({decay!r} / 2)",
    )
    clipped = (PENALTY_IS_CLIPPED.format(decay=decay),) if setup.clip else ()
    return rule.keras, {}, lines, (PENALTY.format(decay=decay), *clipped)


def torch_decay(rule: Optimizer, optimizer: Setting) -> tuple[str, dict[str, object], tuple[str, ...]]:
    """The class, its arguments for weight decay, and lines behind the optimiser.

    Keras's decay of an optimiser whose class in PyTorch only knows the other is written as a hook in front of each
    step, which is where Keras does it.
    """
    decay = _decay(optimizer)
    if not decay:
        return rule.torch, {}, ()
    if not optimizer.fields["decoupled_weight_decay"] or rule.plain(optimizer.fields):
        return rule.torch, {"weight_decay": decay}, ()
    if rule.torch_decoupled:
        flag = {"decoupled_weight_decay": True} if rule.torch_decoupled == rule.torch else {}
        return rule.torch_decoupled, {"weight_decay": decay, **flag}, ()
    lines = (
        "@torch.no_grad()",
        "def decay(optimizer, args, kwargs):",
        "    for group in optimizer.param_groups:",
        '        for parameter in group["params"]:',
        "            if parameter.grad is not None:",
        f'                parameter.mul_(1 - group["lr"] * {decay!r})',
        "optimizer.register_step_pre_hook(decay)",
    )
    return rule.torch, {}, lines
