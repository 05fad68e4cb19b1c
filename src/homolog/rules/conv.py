"""Convolutions: plain and grouped, depthwise, separable; one, two and three spatial axes.

PyTorch keeps kernels as (out, in / groups, *spatial), Keras with the spatial axes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Node, OpenShape, Value
from homolog.rules.arguments import Arguments, Size, Unwritten
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


def refuse_both(fields: Fields) -> None:
    """Refuse, for Keras, what its classes refuse by themselves.

    Raises:
        Unwritten: a stride above 1 and a dilation.
    """
    if all(max(cast(Shape, fields[name])) > 1 for name in ("stride", "dilation")):
        raise Unwritten("dilation", "Keras dilates no convolution with a stride above 1")


def _certainly_same(fields: Fields) -> bool:
    """Whether this padding is ``same`` for every length."""
    same = same_pads(cast(Shape, fields["kernel_size"]), cast(Shape, fields["dilation"]))
    return set(cast(Shape, fields["stride"])) == {1} and fields["padding"] == same and any(map(any, same))


def _conv_to_torch(node: Node) -> Fields:
    """Padding of which more lies behind than in front is a word in PyTorch, or nothing."""
    fields = dict(node.fields)
    if _certainly_same(fields) and any(before != after for before, after in cast(Pads, fields["padding"])):
        fields["padding"] = "same"
    elif fields["padding"] == "same":
        raise Unwritten("padding", "PyTorch has 'same' at stride 1 only; else it takes the length of the input")
    return fields


def _conv_to_keras(node: Node) -> Fields:
    fields = dict(node.fields)
    refuse_both(fields)
    if _certainly_same(fields):
        fields["padding"] = "same"
    elif is_causal(fields):
        fields["padding"] = "causal"
    return fields


def is_causal(fields: Mapping[str, object]) -> bool:
    """Whether padding lies in front of a sequence alone, and every place sees just what is up to it."""
    steps = zip(cast(Shape, fields["kernel_size"]), cast(Shape, fields["dilation"]), strict=True)
    causal = tuple((d * (k - 1), 0) for k, d in steps)
    return len(causal) == 1 and fields["padding"] == causal and any(causal[0])


def _is_depthwise(node: Node, rank: int) -> bool:
    """Whether every channel has filters of its own; TensorFlow strides them alike along all axes."""
    groups, weight = node.fields["groups"], node.weights.get("weight")
    alike = len(set(cast(Shape, node.fields["stride"]))) == 1
    return rank < 3 and weight is not None and groups not in (None, 1) and weight.shape[1] == 1 and alike


def _depthwise_to_keras(node: Node) -> Fields:
    fields = _conv_to_keras(node)
    fields["depth_multiplier"] = node.weights["weight"].shape[0] // cast(int, fields.pop("groups"))
    if fields["padding"] == "causal":
        raise Unwritten("padding", "Keras has no causal depthwise convolution")
    return fields


def plain(rank: int) -> dict[str, object]:
    """What a convolution does unless told otherwise."""
    return {"stride": (1,) * rank, "padding": ((0, 0),) * rank}


def conv_fields(rank: int) -> tuple[Field, ...]:
    """The settings that every convolution has."""
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
            make=Arguments(
                sizes={"in_channels": Size("weight", 1, times="groups"), "out_channels": Size("weight", 0)},
                flags={"bias": "bias"},
                defaults=plain(rank),
                restore=_conv_to_torch,
            ),
        ),
        keras=Keras(
            (f"Conv{rank}D",),
            ignore=("filters",),
            make=Arguments(sizes={"filters": Size("weight", 0)}, defaults=plain(rank), restore=_conv_to_keras),
        ),
        fields=(*conv_fields(rank), Field("groups", "groups", otherwise=1)),
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
        keras=Keras(
            (f"DepthwiseConv{rank}D",),
            ignore=("groups", "filters"),
            make=Arguments(
                defaults=plain(rank), restore=_depthwise_to_keras, fits=lambda node: _is_depthwise(node, rank)
            ),
        ),
        fields=(*conv_fields(rank), Field("depth_multiplier", "depth_multiplier", otherwise=1, effect="size")),
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
        keras=Keras(
            (f"SeparableConv{rank}D",),
            ignore=("groups", "filters"),
            make=Arguments(sizes={"filters": Size("pointwise", 0)}, defaults=plain(rank), restore=_conv_to_keras),
        ),
        fields=(*conv_fields(rank), Field("depth_multiplier", "depth_multiplier", otherwise=1, effect="size")),
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


RULES = (
    *(conv(rank) for rank in (1, 2, 3)),
    *(depthwise(rank) for rank in (1, 2)),
    *(separable(rank) for rank in (1, 2)),
)
