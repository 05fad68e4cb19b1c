"""Resizing of the spatial axes: by Keras's own layers where they are exactly PyTorch's, by matrices elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.interpolation import Axis, cubic, linear, nearest, smooth
from homolog.keras.emitting.registry import writes
from homolog.tensors import Array

LETTERS = "dhw"
FEW = 16
"""So many places are written into the source; more stand among the weights."""


@writes("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
def upsample_nearest(call: Call) -> str:
    """Each output reads one place, counted from its beginning."""
    return _chosen(call, exact=False)


@writes(
    *("upsample_nearest_exact1d", "upsample_nearest_exact2d", "upsample_nearest_exact3d"),
    *("_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d"),
)
def upsample_nearest_exact(call: Call) -> str:
    """Each output reads one place, counted from its middle."""
    return _chosen(call, exact=True)


@writes("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
def upsample_linear(call: Call) -> str:
    """Between neighbours; Keras does it over two axes, with the corners in their own places."""
    axes, x = axes_of(call), call.x(_input(call))
    if len(axes) == 2 and all(axis.is_plain for axis in axes):
        factors = [axis.whole for axis in axes]
        if None not in factors and max(cast(list[int], factors)) > 1:
            size = factors[0] if factors[0] == factors[1] else tuple(factors)
            return call.layer("UpSampling2D", {"0": size, "interpolation": "bilinear"}, x)
        return f"ops.image.resize({x}, {_sizes(axes)!r})"
    return by_matrices(call, x, "resize", [None if _stays(axis) else linear(axis) for axis in axes])


@writes("upsample_bicubic2d")
def upsample_bicubic(call: Call) -> str:
    """Between sixteen neighbours. Keras's kernel is another one."""
    axes, x = axes_of(call), call.x(_input(call))
    return by_matrices(call, x, "resize_cubic", [None if _stays(axis) else cubic(axis) for axis in axes])


@writes("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")
def upsample_smooth(call: Call) -> str:
    """With antialiasing."""
    axes, x = axes_of(call), call.x(_input(call))
    is_cubic = "bicubic" in call.step.operator
    if all(axis.is_plain for axis in axes):
        way = ', interpolation="bicubic"' if is_cubic else ""
        return f"ops.image.resize({x}, {_sizes(axes)!r}{way}, antialias=True)"
    return by_matrices(call, x, "resize_smooth", [smooth(axis, is_cubic=is_cubic) for axis in axes])


def axes_of(call: Call) -> list[Axis]:
    """The spatial axes, each with what is asked of it.

    Raises:
        Unsupported: a length is open.
    """
    lengths, sizes = call.shape(_input(call))[2:], call.step.shape[2:]
    if None in (*lengths, *sizes):
        raise call.refusal("an image of an open size", "fix all lengths but the batch")
    return [
        Axis(length, size, factor, bool(call["align_corners"]))
        for length, size, factor in zip(
            cast(Sequence[int], lengths), cast(Sequence[int], sizes), _factors(call, len(sizes)), strict=True
        )
    ]


def _input(call: Call) -> Value:
    """The image, which the overloads of these operators call otherwise."""
    return next(call.step.values())


def _factors(call: Call, rank: int) -> list[float | None]:
    """The factors that were asked for, by the words of either overload; None where sizes were."""
    given = call["scale_factors"]
    if given is not None:
        return list(given)
    if rank == 1:
        return [call["scales"]]
    return [call[f"scales_{letter}"] for letter in LETTERS[-rank:]]


def _sizes(axes: Sequence[Axis]) -> tuple[int, ...]:
    return tuple(axis.size for axis in axes)


def _stays(axis: Axis) -> bool:
    return axis.size == axis.length and (axis.corners or axis.is_plain)


def _chosen(call: Call, *, exact: bool) -> str:
    axes, x = axes_of(call), call.x(_input(call))
    places = [nearest(axis, exact=exact) for axis in axes]
    whole = [_repeats(axis, found) for axis, found in zip(axes, places, strict=True)]
    if None not in whole:
        factors = cast(list[int], whole)
        if max(factors) == 1:
            return x
        size = factors[0] if len(set(factors)) == 1 else tuple(factors)
        return call.layer(f"UpSampling{len(axes)}D", {"0": size}, x)
    strides = [_every(axis, found) for axis, found in zip(axes, places, strict=True)]
    if None not in strides:
        return f"{x}[:, {', '.join('::' + str(stride) if stride != 1 else ':' for stride in strides)}]"
    middles = [Axis(axis.length, axis.size) for axis in axes]
    if len(axes) == 2 and all((nearest(m, exact=True) == p).all() for m, p in zip(middles, places, strict=True)):
        return f'ops.image.resize({x}, {_sizes(axes)!r}, interpolation="nearest")'
    for place, (axis, found) in enumerate(zip(axes, places, strict=True), start=1):
        if not _stays(axis):
            x = call.let(f"ops.take({x}, {_places(call, axis, found)}, axis={place})")
    return x


def _repeats(axis: Axis, places: Array) -> int | None:
    """How often each place is read, if that is the same for all and they are in order."""
    times, rest = divmod(axis.size, axis.length)
    return times if not rest and (places == np.arange(axis.size) // times).all() else None


def _every(axis: Axis, places: Array) -> int | None:
    """The stride by which places are read, if they are so."""
    times, rest = divmod(axis.length, axis.size)
    return times if not rest and (places == np.arange(axis.size) * times).all() else None


def _places(call: Call, axis: Axis, found: Array) -> str:
    if found.size <= FEW:
        return repr(found.tolist())
    return call.assembler.fixed(f"places {axis.length} to {axis.size}", found.astype(np.int32), call.step)


def by_matrices(call: Call, x: str, name: str, matrices: Sequence[Array | None]) -> str:
    """A linear map of each spatial axis, channels last; None leaves an axis as it is."""
    letters = "b" + LETTERS[-len(matrices) :] + "c"
    for place, matrix in enumerate(matrices, start=1):
        if matrix is not None:
            size, length = matrix.shape
            held = call.assembler.fixed(f"{name} {length} to {size}", matrix.astype(np.float32), call.step)
            old = letters[place]
            x = call.let(f'ops.einsum("{letters},i{old}->{letters.replace(old, "i")}", {x}, {held})')
    return x
