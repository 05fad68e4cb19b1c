"""Keras's norms as PyTorch's, over the axes that PyTorch's take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from homolog.graph import Node
from homolog.pytorch.likeness.axes import channels_second, on_last

if TYPE_CHECKING:
    import torch

Weights = Mapping[str, Any]


def batch_normed(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    import torch

    (axis,) = cast(tuple[int, ...], node.fields["axis"])

    def apply(maps: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.batch_norm(
            maps,
            weights["running_mean"],
            weights["running_var"],
            weights.get("weight"),
            weights.get("bias"),
            training=False,
            momentum=cast(float, node.fields["momentum"]),
            eps=cast(float, node.fields["eps"]),
        )

    return channels_second(value, axis, apply)


def layer_normed(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    import torch

    axes = cast(tuple[int, ...], node.fields["axis"])

    def apply(rows: torch.Tensor) -> torch.Tensor:
        lengths = rows.shape[-len(axes) :]
        eps = cast(float, node.fields["eps"])
        return torch.nn.functional.layer_norm(rows, lengths, weights.get("weight"), weights.get("bias"), eps)

    return on_last(value, axes, apply)


def rms_normed(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    import torch

    axes = cast(tuple[int, ...], node.fields["axis"])

    def apply(rows: torch.Tensor) -> torch.Tensor:
        eps = cast(float, node.fields["eps"])
        return torch.nn.functional.rms_norm(rows, rows.shape[-len(axes) :], weights.get("weight"), eps)

    return on_last(value, axes, apply)


def group_normed(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    import torch

    (axis,) = cast(tuple[int, ...], node.fields["axis"])

    def apply(maps: torch.Tensor) -> torch.Tensor:
        groups = cast(int, node.fields["num_groups"])
        eps = cast(float, node.fields["eps"])
        return torch.nn.functional.group_norm(maps, groups, weights.get("weight"), weights.get("bias"), eps)

    return channels_second(value, axis, apply)
