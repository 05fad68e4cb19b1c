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


def second_biases(model: Assembled) -> tuple[str, ...]:
    """Names of the biases that PyTorch has besides the one of the source: they stay zero, for two biases that are both
    trained would learn twice as fast."""
    return tuple(
        f"{name}.bias_hh_l0"
        for name, held in model.held.items()
        if held.node.kind in SUMMED and "bias" in held.node.weights and len(held.node.weights["bias"].tensors) == 1
    )


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
