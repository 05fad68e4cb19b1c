"""Keras's recurrent layers as PyTorch's, with their batch in front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from homolog.graph import Node
from homolog.rules.recurrent import STATES

if TYPE_CHECKING:
    import torch

Weights = Mapping[str, Any]


def fits(node: Node) -> bool:
    """Whether PyTorch has the layer: with these activations, and with the reset gate where PyTorch has it."""
    fields = node.fields
    if node.kind == "simple_rnn":
        return fields["activation"] in ("tanh", "relu")
    plain = fields["activation"] == "tanh" and fields["recurrent_activation"] == "sigmoid"
    return plain and fields.get("reset_after", True) is True


def unrolled(
    node: Node, weights: Weights, value: torch.Tensor, states: Sequence[torch.Tensor] = ()
) -> tuple[torch.Tensor, ...]:
    """The sequence in the order in which it was gone through, and the last states (batch, units)."""
    import torch

    if node.fields["go_backwards"]:
        value = value.flip(1)
    hidden = weights["weight_hh"].shape[1]
    first = [state.unsqueeze(0) for state in states]
    while len(first) < STATES[node.kind]:
        first.append(value.new_zeros((1, value.shape[0], hidden)))
    biases = _biases(node, weights)
    parameters = [weights["weight_ih"], weights["weight_hh"], *biases]
    settings = (parameters, bool(biases), 1, 0.0, False, False, True)
    if node.kind == "lstm":
        sequence, *last = torch.lstm(value, first, *settings)
    elif node.kind == "gru":
        sequence, *last = torch.gru(value, first[0], *settings)
    else:
        step = torch.rnn_relu if node.fields["activation"] == "relu" else torch.rnn_tanh
        sequence, *last = step(value, first[0], *settings)
    return (sequence, *(state.squeeze(0) for state in last))


def _biases(node: Node, weights: Weights) -> list[Any]:
    """Both of PyTorch's; where Keras keeps their sum, it is the first."""
    import torch

    if "bias" in weights:
        return [weights["bias"], torch.zeros_like(weights["bias"])]
    return [weights[name] for name in ("bias_ih", "bias_hh") if name in weights]
