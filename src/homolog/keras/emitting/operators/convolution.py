"""Convolutions and transposed ones: layers where they hold their kernels, operations where those are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import Node, Weight
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.borders import cut
from homolog.keras.emitting.operators.layers import LAST, as_layer
from homolog.keras.emitting.operators.padding import explicit, padded
from homolog.keras.emitting.operators.weight_norm import kernel
from homolog.keras.emitting.registry import writes
from homolog.rules.conv import Pads, is_causal
from homolog.trace import Open
from homolog.transforms import Part

WEIGHTS = ("input", "weight", "bias")


@writes("conv1d", "conv2d", "conv3d")
def convolution(call: Call) -> str:
    """A convolution, with its padding in front of it where Keras's ``same`` is another."""
    _refuse_without_batch(call)
    node, given = _node(call), call.x("input")
    if not (is_causal(node.fields) and _may_be_causal(node)):
        node, given = padded(call, node, given)
    rank = call.rank("input") - 2
    stride, dilation = (cast(Sequence[int], node.fields[name]) for name in ("stride", "dilation"))
    if max(stride) > 1 and max(dilation) > 1:  # Keras does one of the two at a time
        node = replace(node, fields={**node.fields, "stride": (1,) * rank})
        every = call.let(_applied(call, node, given))
        return f"{every}[:, {', '.join('::' + str(step) if step > 1 else ':' for step in stride)}]"
    return _applied(call, node, given)


def _may_be_causal(node: Node) -> bool:
    """Whether it becomes the one layer of Keras that knows the word."""
    return bool(node.weights) and (node.fields["groups"] == 1 or node.weights["weight"].shape[1] != 1)


def _refuse_without_batch(call: Call) -> None:
    rank = int(call.step.operator[-2])
    if call.rank("input") != rank + 2:
        raise call.refusal("an input without a batch", "give it a first axis of one")


def _node(call: Call) -> Node:
    """The step in the words of its rule; without weights, where its kernel is computed."""
    node = call.step.layer
    if node is None:
        name = f"{call.step.operator}.{call.step.overload}".removesuffix(".")
        rule = rules.for_aten(name) or rules.for_aten(call.step.operator)
        if rule is None:
            raise call.refusal("no rule knows it")
        settings = {key: value for key, value in call.step.arguments.items() if key not in WEIGHTS}
        rank = call.rank("weight") - 2
        settings["kernel_size"] = call.shape("weight")[-rank:]
        fields = rule.read_torch(name, settings, {}, call.path or call.step.name)
        node = Node(call.path or call.step.name, rule.kind, fields, shapes=call.step.shapes)
    return replace(node, fields={**node.fields, **LAST})


def _applied(call: Call, node: Node, x: str) -> str:
    return as_layer(call, node, x) if node.weights else _by_operation(call, node, x)


def _by_operation(call: Call, node: Node, x: str) -> str:
    """With a kernel that is computed when the model runs."""
    fields, rank = node.fields, call.rank("weight") - 2
    groups = cast(int, fields["groups"])
    if isinstance(fields["groups"], Open):
        raise call.refusal(
            f"{fields['groups'].text} groups of channels: a kernel for each row",
            "scale what the convolution reads and what it gives, and leave the kernel the same for all rows",
        )
    inner, outer = (call.shape("weight")[axis] for axis in (1, 0))
    settings = _settings(node)
    if fields["padding"] == "same":
        settings += ', padding="same"'
    if inner == 1 and groups > 1 and rank < 3 and len(set(cast(Sequence[int], fields["stride"]))) == 1:
        own = call.assembler.expression(call.value("weight"), (*range(2, rank + 2), 0, 1), call.step)
        if outer != groups:
            wide = (*cast(Sequence[int], call.shape("weight")[2:]), groups, cast(int, outer) // groups)
            own = call.let(f"ops.reshape({own}, {wide!r})")
        result = f"ops.depthwise_conv({x}, {own}{settings})"
    else:
        own = kernel(call)
        result = f"ops.conv({x}, {own}{settings})" if groups == 1 else _grouped(call, x, own, groups, settings)
    return f"{call.let(result)} + {call.plain('bias')}" if call.has("bias") else result


def _settings(node: Node) -> str:
    """Steps and gaps of a window as arguments."""
    return "".join(
        f", {word}={_shortest(cast(Sequence[int], node.fields[name]))!r}"
        for name, word in (("stride", "strides"), ("dilation", "dilation_rate"))
        if set(cast(Sequence[int], node.fields[name])) != {1}
    )


def _grouped(call: Call, x: str, kernel: str, groups: int, settings: str) -> str:
    """Each group of channels by itself: ``ops.conv`` knows of none."""
    maps, kernels = (call.let(f"ops.split({name}, {groups}, axis=-1)", groups).split(", ") for name in (x, kernel))
    results = [call.let(f"ops.conv({one}, {two}{settings})") for one, two in zip(maps, kernels, strict=True)]
    return f"ops.concatenate([{', '.join(results)}], axis=-1)"


def _shortest(value: Sequence[int]) -> object:
    return value[0] if len(set(value)) == 1 else tuple(value)


@writes("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed(call: Call) -> str:
    """A transposed convolution; what Keras does not crop, or not so, is cropped or added behind it."""
    _refuse_without_batch(call)
    node = _node(call)
    if not node.weights:  # ``ops.conv_transpose`` fails in a functional model: it swaps two arguments
        raise call.refusal("a kernel that is computed, and no tensor of the model's own")
    x, groups = call.x("input"), cast(int, node.fields["groups"])
    if groups == 1:
        return _transposed(call, node, x)
    maps = call.let(f"ops.split({x}, {groups}, axis=-1)", groups).split(", ")
    results = [call.let(_transposed(call, _group(node, place), one)) for place, one in enumerate(maps)]
    return f"ops.concatenate([{', '.join(results)}], axis=-1)"


def _group(node: Node, place: int) -> Node:
    """One of a transposed convolution's groups by itself, which is all that Keras has: it reads its share of the
    channels, and gives its share."""
    groups = cast(int, node.fields["groups"])
    weights = {slot: _share(weight, place, groups) for slot, weight in node.weights.items()}
    fields = {**node.fields, "groups": 1}
    return replace(node, name=f"{node.name}.{place}", fields=fields, weights=weights, layer=None)


def _share(weight: Weight, place: int, groups: int) -> Weight:
    """A share of the stored tensor along its first axis: that of the kernel is the channels that are read."""
    length = weight.tensors[0].shape[0] // groups
    return replace(weight, layout=(Part(0, place * length, (place + 1) * length), *weight.layout))


def _transposed(call: Call, node: Node, x: str) -> str:
    try:
        return as_layer(call, node, x)
    except Unsupported:
        return _cropped(call, node, x)


def _cropped(call: Call, node: Node, x: str) -> str:
    """With nothing cropped by the layer itself: zeros are added behind, and what is too much is cut."""
    crops = cast(Pads, node.fields["padding"])
    stride = cast(Sequence[int], node.fields["stride"])
    # below zero, the layer gives zeros behind by itself
    own = [min(0, number) for number in _least(node)]
    left = [after - number for (_, after), number in zip(crops, own, strict=True)]
    # where more is wanted than there is: what a zero behind the input gives is the bias alone
    more = tuple(max(-(number // step), 0) for number, step in zip(left, stride, strict=True))
    if any(more):
        x = call.let(explicit(x, tuple((0, number) for number in more)))
    plain = {**node.fields, "padding": tuple((0, number) for number in own)}
    full = call.let(as_layer(call, replace(node, fields=plain), x))
    ends = [number + extra * step for number, extra, step in zip(left, more, stride, strict=True)]
    return cut(full, [(0, 0), *((before, end) for (before, _), end in zip(crops, ends, strict=True))])


def _least(node: Node) -> list[int]:
    """For each axis how many places ``valid`` leaves out behind; below zero, how many it adds."""
    steps = (cast(Sequence[int], node.fields[name]) for name in ("kernel_size", "stride", "dilation"))
    return [d * (k - 1) + 1 - s for k, s, d in zip(*steps, strict=True)]
