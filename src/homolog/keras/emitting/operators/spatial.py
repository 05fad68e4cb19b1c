"""Operators that move numbers between channels and places, or read a map at places that are computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.borders import cut
from homolog.keras.emitting.operators.padding import explicit
from homolog.keras.emitting.registry import writes
from homolog.rules.conv import window
from homolog.tensors import Array

FEW = 16
"""So many places are written into the source; more stand among the weights."""
MODES = ("bilinear", "nearest")
OUTSIDE = ("zeros", "border", "reflection")


@writes("pixel_shuffle")
def pixel_shuffle(call: Call) -> str:
    """Blocks of channels as squares of places. Keras has the channels of a block in another order."""
    x, size = call.x(), cast(int, call["upscale_factor"])
    height, width, deep = _map(call)
    if deep == size * size:
        return f"ops.depth_to_space({x}, {size})"
    blocks = call.let(f"ops.reshape({x}, {(-1, height, width, deep // size**2, size, size)!r})")
    turned = call.let(f"ops.transpose({blocks}, (0, 1, 4, 2, 5, 3))")
    return f"ops.reshape({turned}, {call.target_shape()})"


@writes("pixel_unshuffle")
def pixel_unshuffle(call: Call) -> str:
    """The way back."""
    x, size = call.x(), cast(int, call["downscale_factor"])
    height, width, deep = _map(call)
    if deep == 1:
        return f"ops.space_to_depth({x}, {size})"
    blocks = call.let(f"ops.reshape({x}, {(-1, height // size, size, width // size, size, deep)!r})")
    turned = call.let(f"ops.transpose({blocks}, (0, 1, 3, 5, 2, 4))")
    return f"ops.reshape({turned}, {call.target_shape()})"


@writes("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(call: Call) -> str:
    """The groups of channels, one channel of each in turn."""
    x, groups = call.x(), cast(int, call["groups"])
    _, *space = call.shape("self")[1:]
    deep = cast(int, call.shape("self")[1])
    rank = len(space) + 2
    if None in space:
        raise call.refusal("a map of an open size", "fix all lengths but the batch")
    apart = call.let(f"ops.reshape({x}, {(-1, *space, groups, deep // groups)!r})")
    turned = call.let(f"ops.transpose({apart}, {(*range(rank - 1), rank, rank - 1)!r})")
    return f"ops.reshape({turned}, {call.target_shape()})"


def _map(call: Call) -> tuple[int, int, int]:
    """Height, width and depth of the map.

    Raises:
        Unsupported: it is none, or one of the three is open.
    """
    shape = call.shape("self")
    if len(shape) != 4 or None in shape[1:]:
        raise call.refusal(f"an input of shape {shape}", "give it a batch first, and fix all other lengths")
    deep, height, width = cast(tuple[int, int, int], shape[1:])
    return height, width, deep


@writes("grid_sampler", "grid_sampler_2d")
def grid_sampler(call: Call) -> str:
    """What stands at places that another tensor says, between points and outside of the map too."""
    if call.rank("input") != 4:
        raise call.refusal(f"an input of shape {call.shape('input')}: volumes are not written")
    if call["interpolation_mode"] >= len(MODES):
        raise call.refusal("mode='bicubic'")
    settings = {
        "mode": MODES[call["interpolation_mode"]],
        "outside": OUTSIDE[call["padding_mode"]],
        "align_corners": call["align_corners"],
    }
    usual = {"mode": "bilinear", "outside": "zeros", "align_corners": False}
    given = ", ".join(f"{key}={value!r}" for key, value in settings.items() if value != usual[key])
    return f"GridSample({given})({call.x('input')}, {call.plain('grid')})"


@writes("affine_grid_generator")
def affine_grid(call: Call) -> str:
    """The places that an affine map takes the points of a grid to."""
    size = cast(Sequence[int], call["size"])[2:]
    if len(size) != 2:
        raise call.refusal("a grid of volumes")
    height, width = (_points(length, corners=call["align_corners"]) for length in size)
    across, down = np.meshgrid(width, height)
    base = np.stack([across, down, np.ones_like(across)], axis=-1).reshape(-1, 3).astype(np.float32)
    held = call.assembler.fixed("grid", base, call.step)
    moved = call.let(f'ops.einsum("pk,bjk->bpj", {held}, {call.plain("theta")})')
    return f"ops.reshape({moved}, {(-1, *size, 2)!r})"


def _points(length: int, *, corners: bool) -> Array:
    """From -1 to 1: at the corners of the map, or in the middles of its outermost points."""
    points = np.linspace(-1, 1, length) if length > 1 else np.zeros(1)
    return points if corners else points * (length - 1) / length


class _Windows:
    """The windows of an unfolding, or of a folding.

    Attributes:
        kernel, dilation, pads, stride: for each of the two axes.
        counts: of windows along each.
    """

    def __init__(self, call: Call, lengths: Sequence[int]) -> None:
        names = ("kernel_size", "dilation", "padding", "stride")
        given = ([*call[name]] * (2 if len(call[name]) == 1 else 1) for name in names)
        self.kernel, self.dilation, self.pads, self.stride = given
        self.lengths = lengths
        self.counts = [
            cast(int, window(n, k, s, (p, p), d))
            for n, k, s, p, d in zip(lengths, self.kernel, self.stride, self.pads, self.dilation, strict=True)
        ]

    @property
    def is_apart(self) -> bool:
        """Whether windows neither overlap nor leave anything out between them."""
        return self.kernel == self.stride and set(self.dilation) == {1}

    def places(self, axis: int) -> Array:
        """For each window and each of its places where it is, counted from the start of the padding."""
        starts = np.arange(self.counts[axis]) * self.stride[axis]
        found: Array = starts[:, None] + np.arange(self.kernel[axis]) * self.dilation[axis]
        return found

    def over(self, axis: int) -> int:
        """How many places behind the last window, padding among them, if windows lie side by side."""
        reach: int = self.counts[axis] * self.kernel[axis] - 2 * self.pads[axis]
        return self.lengths[axis] - reach


@writes("im2col")
def unfold(call: Call) -> str:
    """Each window of a map as a vector, its channels one after the other."""
    height, width, deep = _map(call)
    windows = _Windows(call, (height, width))
    x = call.x()
    if any(windows.pads):
        x = call.let(explicit(x, tuple((amount, amount) for amount in windows.pads)))
    (high, wide), (kernel_high, kernel_wide) = windows.counts, windows.kernel
    if windows.is_apart:
        over = [(0, windows.over(axis)) for axis in (0, 1)]
        if any(map(any, over)):
            x = call.let(cut(x, [(0, 0), *over]))
        x = call.let(f"ops.reshape({x}, {(-1, high, kernel_high, wide, kernel_wide, deep)!r})")
    else:
        x = call.let(f"ops.take({x}, {_listed(call, windows, 0)}, axis=1)")
        x = call.let(f"ops.take({x}, {_listed(call, windows, 1)}, axis=3)")
    turned = call.let(f"ops.transpose({x}, (0, 1, 3, 5, 2, 4))")
    return f"ops.reshape({turned}, {call.target_shape()})"


def _listed(call: Call, windows: _Windows, axis: int) -> str:
    found = windows.places(axis).astype(np.int32)
    return repr(found.tolist()) if found.size <= FEW else call.assembler.fixed(f"windows {axis}", found, call.step)


@writes("col2im")
def fold(call: Call) -> str:
    """Vectors as windows of a map: where they overlap they are added."""
    size = cast(Sequence[int], call["output_size"])
    if len(call.step.shape) != 4 or not all(isinstance(length, int) for length in size):
        raise call.refusal("a map without a batch, or of an open size", "give it a batch first")
    windows = _Windows(call, size)
    deep = cast(int, call.step.shape[1])
    x = call.let(f"ops.reshape({call.x()}, {(-1, *windows.counts, deep, *windows.kernel)!r})")
    if windows.is_apart and not any(windows.pads):
        turned = call.let(f"ops.transpose({x}, (0, 1, 4, 2, 5, 3))")
        covered = [count * kernel for count, kernel in zip(windows.counts, windows.kernel, strict=True)]
        whole = f"ops.reshape({turned}, {(-1, *covered, deep)!r})"
        over = tuple((0, windows.over(axis)) for axis in (0, 1))
        return explicit(call.let(whole), over) if any(map(any, over)) else whole
    across, down = (call.assembler.fixed(f"places {axis}", _spread(windows, axis), call.step) for axis in (1, 0))
    x = call.let(f'ops.einsum("bpqcij,qjw->bpciw", {x}, {across})')
    return f'ops.einsum("bpciw,pih->bhwc", {x}, {down})'


def _spread(windows: _Windows, axis: int) -> Array:
    """For each window and each of its places a one at the place of the map that it is added to."""
    places = windows.places(axis) - windows.pads[axis]
    found: Array = (places[..., None] == np.arange(windows.lengths[axis])).astype(np.float32)
    return found
