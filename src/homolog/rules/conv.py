"""Convolutions: plain and grouped, depthwise, transposed; one, two and three spatial axes.

PyTorch keeps kernels as (out, in / groups, *spatial), transposed ones as (in, out / groups, *spatial). Keras keeps
both with the spatial axes first; a transposed kernel ends in (out, in).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Node, OpenShape, Value
from homolog.rules.forms import data_format, ints, pads
from homolog.rules.rule import Field, Fields, Keras, Layout, Rule, Slot, Torch
from homolog.tensors import Shape
from homolog.transforms import Axes

SPATIAL = {1: "w", 2: "h w", 3: "d h w"}
Pads = tuple[tuple[int, int], ...]


def window(length: int | None, kernel: int, stride: int, pad: tuple[int, int], dilation: int = 1) -> int | None:
    """Positions of a sliding window along an axis of this length.

    The formula of torch.nn.Conv2d's documentation (section Shape).
    """
    return None if length is None else (length + sum(pad) - dilation * (kernel - 1) - 1) // stride + 1


def same_pads(kernel: Sequence[int], dilation: Sequence[int]) -> Pads:
    """Padding that keeps the length at stride 1: the odd one goes behind, in both frameworks."""
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


def settle_same(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    """``same`` as numbers, as TensorFlow defines it: as many windows as length / stride rounded up, the odd pad
    behind; still ``same`` while a length is open.

    https://www.tensorflow.org/api_docs/python/tf/nn, notes on padding.
    """
    lengths = inputs[0][2:]
    if fields["padding"] != "same" or None in lengths:
        return fields
    steps = (cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation"))
    pads = []
    for length, k, s, d in zip(cast(Shape, lengths), *steps, strict=True):
        total = max((-(-length // s) - 1) * s + d * (k - 1) + 1 - length, 0)
        pads.append((total // 2, total - total // 2))
    fields["padding"] = tuple(pads)
    return fields


def _infer_conv(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, _, *lengths = inputs[0]
    kernel, stride, dilation = (cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation"))
    out = weights["weight"][0]
    if fields["padding"] == "same":
        return (batch, out, *(None if n is None else -(-n // s) for n, s in zip(lengths, stride, strict=True)))
    padding = cast(Pads, fields["padding"])
    steps = zip(lengths, kernel, stride, padding, dilation, strict=True)
    return (batch, out, *(window(n, k, s, p, d) for n, k, s, p, d in steps))


def _normalise_conv(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    kernel, stride, dilation = (cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation"))
    if fields["padding"] == "causal":
        fields["padding"] = tuple((d * (k - 1), 0) for k, d in zip(kernel, dilation, strict=True))
    elif fields["padding"] == "same" and set(stride) == {1}:
        fields["padding"] = same_pads(kernel, dilation)
    return fields


def _normalise_depthwise(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    multiplier = cast(int, fields.pop("depth_multiplier"))
    fields["groups"] = weights["weight"][0] // multiplier if "weight" in weights else None
    return _normalise_conv(fields, weights)


def _conv_fields(rank: int) -> tuple[Field, ...]:
    return (
        Field("kernel_size", "kernel_size", ints(rank), effect="size"),
        Field("stride", "strides", ints(rank)),
        Field("padding", "padding", pads(rank)),
        Field("dilation", "dilation_rate", ints(rank), otherwise=(1,) * rank),
        Field("padding_mode", otherwise="zeros"),
        data_format(),
    )


def conv(rank: int) -> Rule:
    """Plain and grouped convolution over ``rank`` spatial axes."""
    space = SPATIAL[rank]
    return Rule(
        f"conv{rank}d",
        torch=Torch(
            (f"Conv{rank}d",),
            (f"conv{rank}d", f"conv{rank}d.padding"),
            ignore=("in_channels", "out_channels", "transposed", "output_padding"),
        ),
        keras=Keras((f"Conv{rank}D",), ignore=("filters",)),
        fields=(*_conv_fields(rank), Field("groups", "groups", otherwise=1)),
        slots=(
            Slot("weight", "kernel", Axes(f"out inp {space} -> {space} inp out")),
            Slot("bias", "bias", when="use_bias"),
        ),
        layout=Layout("spatial", rank),
        infer=_infer_conv,
        normalise=_normalise_conv,
        settle=settle_same,
    )


def depthwise(rank: int) -> Rule:
    """One or more filters for each channel: in PyTorch a convolution with as many groups as channels."""
    space = SPATIAL[rank]
    return Rule(
        f"depthwise_conv{rank}d",
        kind=f"conv{rank}d",
        keras=Keras((f"DepthwiseConv{rank}D",), ignore=("groups", "filters")),
        fields=(*_conv_fields(rank), Field("depth_multiplier", "depth_multiplier", otherwise=1, effect="size")),
        slots=(
            Slot("weight", "kernel", Axes(f"(inp mult) 1 {space} -> {space} inp mult")),
            Slot("bias", "bias", when="use_bias"),
        ),
        layout=Layout("spatial", rank),
        infer=_infer_conv,
        normalise=_normalise_depthwise,
        settle=settle_same,
    )


def separable(rank: int) -> Rule:
    """A depthwise convolution and a pointwise one, which has the bias."""
    space = SPATIAL[rank]
    return Rule(
        f"separable_conv{rank}d",
        keras=Keras((f"SeparableConv{rank}D",), ignore=("groups", "filters")),
        fields=(*_conv_fields(rank), Field("depth_multiplier", "depth_multiplier", otherwise=1, effect="size")),
        slots=(
            Slot("depthwise", "depthwise_kernel", Axes(f"(inp mult) 1 {space} -> {space} inp mult")),
            Slot("pointwise", "pointwise_kernel", Axes(f"out inp {space} -> {space} inp out")),
            Slot("bias", "bias", when="use_bias"),
        ),
        units=lambda node: _separated(node, rank),
    )


def _separated(node: Node, rank: int) -> tuple[tuple[Node, ...], tuple[Value, ...]]:
    """The two convolutions of a separable one."""
    first = {"weight": node.weights["depthwise"]} if node.weights else {}
    second = {
        slot: node.weights[name] for slot, name in (("weight", "pointwise"), ("bias", "bias")) if name in node.weights
    }
    shapes = {slot: weight.shape for slot, weight in first.items()}
    fields = _normalise_depthwise(dict(node.fields), shapes)
    plain = {
        "kernel_size": (1,) * rank,
        "stride": (1,) * rank,
        "dilation": (1,) * rank,
        "padding": ((0, 0),) * rank,
        "groups": 1,
    }
    depthwise = replace(
        node, name=f"{node.name}/depthwise", kind=f"conv{rank}d", fields=fields, weights=first, shapes=(), layer=None
    )
    inputs = (Value(depthwise.name),) if node.inputs else ()
    pointwise = replace(
        node, kind=f"conv{rank}d", fields={**fields, **plain}, weights=second, inputs=inputs, ignored={}
    )
    return (depthwise, pointwise), (Value(pointwise.name),)


def _infer_transposed(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    batch, _, *lengths = inputs[0]
    kernel, stride, dilation = (cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation"))
    crop = cast(Pads, fields["padding"])
    steps = zip(lengths, kernel, stride, dilation, crop, strict=True)
    sizes = (None if n is None else (n - 1) * s + d * (k - 1) + 1 - sum(c) for n, k, s, d, c in steps)
    return (batch, weights["weight"][1] * cast(int, fields["groups"]), *sizes)


def _normalise_transposed(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    """Padding and output padding become one: how much of the full output is cropped (before, after).

    Keras's ``same`` gives length in x stride, its ``valid`` at least that; the cropping of the full output
    ((in - 1) x stride + dilation x (kernel - 1) + 1) follows the gradient of TensorFlow's convolution, whose
    ``same`` padding puts the odd one behind.
    """
    kernel, stride, dilation = (cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation"))
    extra = fields.pop("output_padding")
    padding = fields["padding"]
    sizes = list(zip(kernel, stride, dilation, strict=True))
    if isinstance(padding, str):  # "same"; pads() has made zeros of "valid"
        crops = []
        for axis, (k, s, d) in enumerate(sizes):
            full = d * (k - 1) + 1
            total = full - s if extra is None else full // 2 * 2 - cast(Shape, extra)[axis]
            before = max(total, 0) // 2
            crops.append((before, total - before))
        fields["padding"] = tuple(crops)
    elif extra is None:  # Keras, "valid"
        fields["padding"] = tuple((0, min(0, d * (k - 1) + 1 - s)) for k, s, d in sizes)
    else:
        after = cast(Shape, extra)
        fields["padding"] = tuple((p[0], p[1] - e) for p, e in zip(cast(Pads, padding), after, strict=True))
    return fields


def transposed(rank: int) -> Rule:
    """Transposed convolution over ``rank`` spatial axes."""
    space = SPATIAL[rank]
    return Rule(
        f"conv_transpose{rank}d",
        torch=Torch(
            (f"ConvTranspose{rank}d",),
            (f"conv_transpose{rank}d" if rank == 1 else f"conv_transpose{rank}d.input",),
            ignore=("in_channels", "out_channels", "transposed"),
        ),
        keras=Keras((f"Conv{rank}DTranspose",), ignore=("filters",)),
        fields=(
            *_conv_fields(rank),
            Field("output_padding", "output_padding", ints(rank), otherwise=None),
            Field("groups", "groups", otherwise=1),
        ),
        slots=(
            Slot("weight", "kernel", Axes(f"inp out {space} -> {space} out inp")),
            Slot("bias", "bias", when="use_bias"),
        ),
        layout=Layout("spatial", rank),
        infer=_infer_transposed,
        normalise=_normalise_transposed,
    )


RULES = (
    *(conv(rank) for rank in (1, 2, 3)),
    *(depthwise(rank) for rank in (1, 2)),
    *(separable(rank) for rank in (1, 2)),
    *(transposed(rank) for rank in (1, 2, 3)),
)
