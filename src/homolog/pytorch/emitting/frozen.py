"""What of a network was not trained in its source, and shall not be in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator

from homolog.emitting.assembled import Assembled, Held

TENSORS = ("nn.Parameter", "Buffer")


def frozen(model: Assembled) -> tuple[str, ...]:
    """Names of the modules of which nothing is trained, in order."""
    return tuple(name for name, held in model.held.items() if held.cls not in TENSORS and _state(held) == {False})


SUMMED = ("lstm", "simple_rnn")
"""Kinds of which Keras keeps one bias, where PyTorch adds two."""
NORMS = ("batch_norm", "group_norm", "layer_norm")
"""Kinds that in PyTorch have no shift without a scale."""


def added(model: Assembled) -> tuple[str, ...]:
    """Names of what PyTorch has besides the source's weights: a second bias that stays zero, for two that are both
    trained would learn twice as fast, and a scale of one that the source does without."""
    return tuple(f"{name}.{own}" for name, held in model.held.items() for own in _added(held))


def _added(held: Held) -> Iterator[str]:
    weights = held.node.weights
    if held.node.kind in SUMMED and "bias" in weights and len(weights["bias"].tensors) == 1:
        yield "bias_hh_l0"
    if held.node.kind in NORMS and "bias" in weights and "weight" not in weights:
        yield "weight"


def notes(model: Assembled) -> Iterator[str]:
    """What PyTorch does otherwise with what is not trained."""
    for name, held in model.held.items():
        if held.cls not in TENSORS and _state(held) == {True, False}:
            yield f"{name}: to train a part of it alone"
    norms = [name for name in frozen(model) if model.held[name].node.kind == "batch_norm"]
    if norms:
        others = f" and {len(norms) - 1} more" if len(norms) > 1 else ""
        yield f"{norms[0]}{others}: a frozen batch norm that keeps its statistics in training too; call eval() on it"


def _state(held: Held) -> set[bool]:
    """Whether its weights are trained; both where some are."""
    weights = (weight for weight in held.node.weights.values() if weight.trainable)
    return {ref.trainable is not False for weight in weights for ref in weight.tensors}
