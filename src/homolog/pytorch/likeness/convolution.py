"""Convolutions of Keras as PyTorch's: what their paddings mean (keras/src/backend/common/backend_utils.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from homolog.graph import Node
from homolog.pytorch.likeness.axes import channel_axis, channels_second

if TYPE_CHECKING:
    import torch

Weights = Mapping[str, Any]


def convolved(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    """A convolution; ``same`` is padded by the length, more behind than in front where it is odd."""
    axis = channel_axis(node.fields["data_format"])
    return channels_second(value, axis, lambda maps: _convolved(node, weights["weight"], weights.get("bias"), maps))


def separably_convolved(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    """A convolution of each channel by itself, and one of a single cell behind it."""
    import torch

    axis = channel_axis(node.fields["data_format"])

    def apply(maps: torch.Tensor) -> torch.Tensor:
        rank = maps.dim() - 2
        own = _convolved(node, weights["depthwise"], None, maps, groups=maps.shape[1])
        convolve = (torch.conv1d, torch.conv2d)[rank - 1]
        return convolve(own, weights["pointwise"], weights.get("bias"))

    return channels_second(value, axis, apply)


def transposed(node: Node, weights: Weights, value: torch.Tensor) -> torch.Tensor:
    """A transposed convolution: the whole of what it gives, without what Keras cuts off at both ends."""
    import torch

    fields = node.fields
    axis = channel_axis(fields["data_format"])

    def apply(maps: torch.Tensor) -> torch.Tensor:
        rank = maps.dim() - 2
        convolve: Any = (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d)[rank - 1]
        cuts = cast(Sequence[tuple[int, int]], fields["padding"])
        stride = cast(Sequence[int], fields["stride"])
        native = all(0 <= before - after < step for (before, after), step in zip(cuts, stride, strict=True))
        padding = [before for before, _ in cuts] if native else [0] * rank
        more = [before - after for before, after in cuts] if native else [0] * rank
        made: torch.Tensor = convolve(
            maps, weights["weight"], weights.get("bias"), stride, padding, more, fields["groups"], fields["dilation"]
        )
        for place, (before, after) in enumerate([] if native else cuts, start=2):
            made = made.narrow(place, before, made.shape[place] - before - after) if before or after else made
        return made

    return channels_second(value, axis, apply)


def _convolved(
    node: Node, weight: torch.Tensor, bias: torch.Tensor | None, maps: torch.Tensor, groups: int | None = None
) -> torch.Tensor:
    import torch

    fields = node.fields
    rank = maps.dim() - 2
    stride, dilation = cast(Sequence[int], fields["stride"]), cast(Sequence[int], fields["dilation"])
    pads = pads_of(fields["padding"], maps.shape[2:], weight.shape[2:], stride, dilation)
    even = all(isinstance(before, int) and before == after for before, after in pads)
    if not even:
        flat = [length for pair in reversed(pads) for length in pair]
        maps = torch.nn.functional.pad(maps, flat)
    convolve: Any = (torch.conv1d, torch.conv2d, torch.conv3d)[rank - 1]
    padding = [before for before, _ in pads] if even else [0] * rank
    made: torch.Tensor = convolve(
        maps, weight, bias, stride, padding, dilation, fields["groups"] if groups is None else groups
    )
    return made


def pads_of(
    padding: object, lengths: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """How much goes in front of each axis and behind it.

    ``same`` gives ceil(length / stride) places (tensorflow/core/framework/common_shape_fns.cc).
    """
    if padding != "same":
        return list(cast(Sequence[tuple[int, int]], padding))
    import torch

    found = []
    for length, size, step, apart in zip(lengths, kernel, stride, dilation, strict=True):
        reach = apart * (size - 1) + 1
        short = (-(-length // step) - 1) * step + reach - length
        whole = max(short, 0) if isinstance(length, int) else torch.sym_max(short, 0)
        found.append((whole // 2, whole - whole // 2))
    return found
