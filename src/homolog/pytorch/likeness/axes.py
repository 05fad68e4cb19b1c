"""Keras keeps channels behind all other axes, PyTorch behind the batch: the permutations between the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def channels_second(value: torch.Tensor, axis: int, apply: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """What an operator gives that takes the channels on its second axis, laid as the value was.

    Args:
        value: with its channels on any axis, the batch in front.
        axis: of the channels; may count from the end.
        apply: the operator. What it gives has as many axes.
    """
    axis %= value.dim()
    if axis == 1:
        return apply(value)
    order = [0, axis, *(other for other in range(1, value.dim()) if other != axis)]
    back = [order.index(place) for place in range(value.dim())]
    return apply(value.permute(order)).permute(back)


def on_last(value: torch.Tensor, axes: tuple[int, ...], apply: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """What an operator gives that works over the last axes, laid as the value was.

    Args:
        value: any.
        axes: that the operator works over, in the order of its weights.
        apply: the operator. What it gives has the same shape.
    """
    axes = tuple(axis % value.dim() for axis in axes)
    order = [*(axis for axis in range(value.dim()) if axis not in axes), *axes]
    if order == list(range(value.dim())):
        return apply(value)
    back = [order.index(place) for place in range(value.dim())]
    return apply(value.permute(order)).permute(back)


def channel_axis(fields: object) -> int:
    """Of a layer's ``data_format``."""
    return 1 if fields == "channels_first" else -1
