"""Pools of Keras as PyTorch's: what is padded counts in no mean, and is never the largest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from homolog.graph import Node
from homolog.pytorch.likeness.axes import channel_axis, channels_second
from homolog.pytorch.likeness.convolution import pads_of

if TYPE_CHECKING:
    import torch

Weights = Mapping[str, Any]
Pads = Sequence[tuple[int, int]]


def largest(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    import torch

    pool: Any = (torch.max_pool1d, torch.max_pool2d, torch.max_pool3d)

    def apply(maps: torch.Tensor) -> torch.Tensor:
        size, stride, pads = _window(node, maps)
        if _even(pads, size):
            padding = [before for before, _ in pads]
        else:
            maps, padding = torch.nn.functional.pad(maps, _flat(pads), value=float("-inf")), [0] * len(pads)
        made: torch.Tensor = pool[len(pads) - 1](maps, size, stride, padding)
        return made

    return channels_second(value, channel_axis(node.fields["data_format"]), apply)


def averaged(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    """A mean over what of the window lies in the map. Where more is padded behind than in front, the padded map's means
    are divided by those of a map of ones."""
    import torch

    functional = torch.nn.functional
    pool: Any = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)

    def apply(maps: torch.Tensor) -> torch.Tensor:
        size, stride, pads = _window(node, maps)
        mean = pool[len(pads) - 1]
        if _even(pads, size):
            padding = [before for before, _ in pads]
            made: torch.Tensor = mean(maps, size, stride, padding, count_include_pad=not any(padding))
            return made
        ones = torch.ones((1, 1, *maps.shape[2:]), dtype=maps.dtype)
        counted = mean(functional.pad(ones, _flat(pads)), size, stride)
        averaged: torch.Tensor = mean(functional.pad(maps, _flat(pads)), size, stride) / counted
        return averaged

    return channels_second(value, channel_axis(node.fields["data_format"]), apply)


def _window(node: Node, maps: torch.Tensor) -> tuple[Sequence[int], Sequence[int], Pads]:
    fields = node.fields
    size, stride = cast(Sequence[int], fields["kernel_size"]), cast(Sequence[int], fields["stride"])
    return size, stride, pads_of(fields["padding"], maps.shape[2:], size, stride, [1] * len(size))


def _even(pads: Pads, size: Sequence[int]) -> bool:
    """Whether PyTorch can pad so: alike on both sides, and by no more than half of the window."""
    pairs = zip(pads, size, strict=True)
    return all(isinstance(before, int) and before == after and 2 * before <= width for (before, after), width in pairs)


def _flat(pads: Pads) -> list[int]:
    return [length for pair in reversed(pads) for length in pair]
