"""Kinds that move values about: flatten, reshape, permute, padding, cropping, upsampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import cast

from homolog.graph import OpenShape
from homolog.rules.conv import Pads
from homolog.rules.rule import Field, Fields, Form, Keras, Layout, Rule, Torch, data_format, ints
from homolog.tensors import Shape


def total(lengths: Sequence[int | None]) -> int | None:
    """Their product, None if one is open."""
    known = [length for length in lengths if length is not None]
    return prod(known) if len(known) == len(lengths) else None


def _tuple(value: object) -> object:
    return tuple(cast(Shape, value))


def _infer_flatten(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    shape = inputs[0]
    start, end = (cast(int, fields[name]) % max(len(shape), 1) for name in ("start_dim", "end_dim"))
    return (*shape[:start], total(shape[start : end + 1]), *shape[end + 1 :])


FLATTEN = Rule(
    "flatten",
    torch=Torch(("Flatten",), ("flatten.using_ints",)),
    keras=Keras(("Flatten",)),
    fields=(
        Field("start_dim", otherwise=1, effect="layout"),
        Field("end_dim", otherwise=-1, effect="layout"),
        data_format(),
    ),
    layout=Layout("flatten"),
    infer=_infer_flatten,
)


def _infer_reshape(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    wanted = cast(Shape, fields["shape"])
    if -1 not in wanted:
        return (inputs[0][0], *wanted)
    whole = total(inputs[0][1:])
    rest = prod(length for length in wanted if length != -1)
    return (inputs[0][0], *((None if whole is None else whole // rest) if n == -1 else n for n in wanted))


RESHAPE = Rule(
    "reshape",
    torch=Torch(("Unflatten",), ("view", "reshape", "unflatten.int", "_unsafe_view")),
    keras=Keras(("Reshape",), ("Reshape",)),
    fields=(
        Field("shape", "target_shape", Form(_tuple, _tuple), otherwise=(), effect="layout"),
        Field("dim", otherwise=None, effect="layout"),
        Field("unflattened_size", otherwise=None, effect="layout"),
        Field("newshape", "newshape", otherwise=None, effect="layout", torch=False),
    ),
    layout=Layout("reshape"),
    infer=_infer_reshape,
)


def _infer_permute(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    return tuple(inputs[0][axis] for axis in cast(Shape, fields["dims"]))


PERMUTE = Rule(
    "permute",
    torch=Torch((), ("permute",)),
    keras=Keras(("Permute",), ("Transpose",)),
    fields=(
        Field("dims", "dims", Form(_tuple, lambda dims: (0, *cast(Shape, dims))), otherwise=None, effect="layout"),
        Field("axes", "axes", otherwise=None, effect="layout", torch=False),
    ),
    layout=Layout("permute"),
    infer=_infer_permute,
)


def _pairs(rank: int) -> Form:
    def from_torch(value: object) -> object:
        if isinstance(value, int):
            return ((value, value),) * rank
        flat = cast(Sequence[int], value)  # last axis first, as torch.nn.functional.pad documents
        return tuple((flat[i], flat[i + 1]) for i in range(2 * rank - 2, -1, -2))

    def from_keras(value: object) -> object:
        if isinstance(value, int):
            return ((value, value),) * rank
        pairs = cast(Sequence[int | Sequence[int]], value)
        if rank == 1:
            pairs = [cast(Sequence[int], pairs)]
        return tuple((p, p) if isinstance(p, int) else (p[0], p[1]) for p in pairs)

    return Form(from_torch, from_keras)


def _infer_pad(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, channels, *lengths = inputs[0]
    pairs = cast(Pads, fields["padding"])
    sign = -1 if fields.get("crop") else 1
    sizes = (None if n is None else n + sign * sum(pair) for n, pair in zip(lengths, pairs, strict=True))
    return (batch, channels, *sizes)


def pad(rank: int) -> Rule:
    """Padding with zeros as a layer of its own."""
    return Rule(
        f"zero_pad{rank}d",
        torch=Torch((f"ZeroPad{rank}d",), ignore=("value",)),
        keras=Keras((f"ZeroPadding{rank}D",)),
        fields=(Field("padding", "padding", _pairs(rank)), data_format()),
        layout=Layout("spatial", rank),
        infer=_infer_pad,
    )


def crop(rank: int) -> Rule:
    """Cropping; PyTorch has no layer of the kind and slices instead."""
    return Rule(
        f"crop{rank}d",
        keras=Keras((f"Cropping{rank}D",)),
        fields=(
            Field("padding", "cropping", _pairs(rank)),
            Field("crop", otherwise=True, effect="layout", torch=False),
            data_format(),
        ),
        layout=Layout("spatial", rank),
        infer=_infer_pad,
    )


def _infer_upsample(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, channels, *lengths = inputs[0]
    if fields["size"] is not None:
        return (batch, channels, *cast(Shape, fields["size"]))
    factors = cast(Sequence[float], fields["scale_factor"])
    return (batch, channels, *(None if n is None else int(n * f) for n, f in zip(lengths, factors, strict=True)))


def _scale(rank: int) -> Form:
    spread = ints(rank).from_keras
    return Form(
        lambda value: (
            None
            if value is None
            else tuple(cast(Sequence[float], spread(value)))
            if not isinstance(value, float)
            else (value,) * rank
        ),
        spread,
    )


def upsample(rank: int) -> Rule:
    """Upsampling by a factor, or to a size."""
    return Rule(
        f"upsample{rank}d",
        torch=Torch(("Upsample",) if rank == 2 else (), ignore=("name", "recompute_scale_factor")),
        keras=Keras((f"UpSampling{rank}D",)),
        fields=(
            Field("scale_factor", "size", _scale(rank)),
            Field("size", otherwise=None),
            Field("mode", "interpolation", otherwise="nearest"),
            Field("align_corners", form=Form(from_torch=bool), otherwise=False),
            data_format(),
        ),
        layout=Layout("spatial", rank),
        infer=_infer_upsample,
    )


RULES = (FLATTEN, RESHAPE, PERMUTE, *(make(rank) for make in (pad, crop, upsample) for rank in (1, 2, 3)))
