"""Pooling: over windows, into cells, over everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from homolog import rules
from homolog.graph import Node
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.layers import LAST, by_place
from homolog.keras.emitting.operators.padding import explicit, padded
from homolog.keras.emitting.operators.unpooling import places
from homolog.keras.emitting.registry import writes
from homolog.rules.conv import Pads
from homolog.rules.writing import keras_layer

NOT_NEGATIVE = {"relu", "relu6", "sigmoid", "hardsigmoid", "softmax", "square", "abs"}


def _node(call: Call) -> Node:
    """The step in the words of its rule, settled for its input's shape, channels last."""
    name = call.step.operator.removesuffix("_with_indices")
    rule = rules.for_aten(name)
    if rule is None:
        raise call.refusal("no rule knows it")
    settings = {key: value for key, value in call.step.arguments.items() if key not in ("self", "input")}
    fields = rule.settle(rule.read_torch(name, settings, {}, call.path or name), [call.shape("self")])
    return Node(call.path or call.step.name, rule.kind, {**fields, **LAST}, shapes=call.step.shapes)


def _applied(call: Call, node: Node, x: str) -> str:
    made = keras_layer(node)
    return call.layer(made.name, by_place(made.arguments), x)


@writes("max_pool1d", "max_pool2d", "max_pool3d")
def max_pool(call: Call) -> str:
    """The largest of each window; what is padded is never the largest."""
    node, x = _node(call), call.x()
    if node.fields["ceil_mode"]:
        raise call.refusal("ceil_mode with an open length", "give the model inputs of a fixed size")
    if set(cast(tuple[int, ...], node.fields["dilation"])) != {1}:
        return _dilated(call, node, x)
    pads = node.fields["padding"]
    if isinstance(pads, tuple) and any(map(any, cast(Pads, pads))):
        node, x = padded(call, node, x, _lowest(call))
    return _applied(call, node, x)


@writes("max_pool2d_with_indices", "max_pool3d_with_indices", "max_pool1d_with_indices")
def max_pool_with_indices(call: Call) -> list[str]:
    """The same, and where the largest stood."""
    largest = cast(str, max_pool(call))
    return [call.let(largest), places(call)] if call.is_read(1) else [largest]


def _lowest(call: Call) -> float:
    """A number that is never above one of the input's."""
    source = call.assembler.trace.steps[call.value("self").node]
    return 0.0 if source.operator in NOT_NEGATIVE else float("-inf")


def _dilated(call: Call, node: Node, x: str) -> str:
    """Windows with gaps, which Keras's have not: axis by axis the largest of what stands so far apart."""
    pads = cast(Pads, node.fields["padding"])
    names = ("kernel_size", "stride", "dilation")
    steps = [cast(Sequence[int], node.fields[name]) for name in names]
    if any(map(any, pads)):
        x = call.let(explicit(x, pads, _lowest(call)))
    counts = call.step.shape[2:]
    if None in counts:
        raise call.refusal("dilation with an open length", "give the model inputs of a fixed size")
    for axis, (count, kernel, stride, gap) in enumerate(zip(cast(Sequence[int], counts), *steps, strict=True), start=1):
        reach = (count - 1) * stride + 1
        every = f":{stride}" if stride > 1 else ""
        parts = [f"{x}[{':, ' * axis}{place * gap}:{place * gap + reach}{every}]" for place in range(kernel)]
        x = call.let(f"ops.max(ops.stack([{', '.join(parts)}], axis=0), axis=0)") if kernel > 1 else call.let(parts[0])
    return x


@writes("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(call: Call) -> str:
    """The mean of each window, with what is padded counted or not."""
    node, x = _node(call), call.x()
    pads = cast(Pads, node.fields["padding"])
    if call["divisor_override"] is not None:
        raise call.refusal("divisor_override: Keras divides by the size of the window")
    if node.fields["ceil_mode"]:
        return _over_the_end(call, node, x)
    if not any(map(any, pads)):
        return _applied(call, node, x)
    if node.fields["count_include_pad"]:
        plain = {**node.fields, "padding": ((0, 0),) * len(pads), "count_include_pad": False}
        return _applied(call, replace(node, fields=plain), call.let(explicit(x, pads)))
    node, given = padded(call, node, x)
    if node.fields["padding"] == "same":
        return _applied(call, node, x)
    return _uncounted(call, node, x, given)


def _uncounted(call: Call, node: Node, x: str, given: str) -> str:
    """The mean of what is not padded: the mean of all by the share of each window that is not."""
    node = replace(node, fields={**node.fields, "count_include_pad": False})
    mean = call.let(_applied(call, node, given))
    ones = call.let(explicit(call.let(f"ops.ones_like({x})"), cast(Pads, _node(call).fields["padding"])))
    return f"{mean} / {call.let(_applied(call, node, ones))}"


def _over_the_end(call: Call, node: Node, x: str) -> str:
    """Windows that reach over the end (``ceil_mode``) and count the padding, but nothing behind it: sums, each
    divided by its own number of places."""
    pads = cast(Pads, node.fields["padding"])
    lengths, counts = call.shape("self")[2:], call.step.shape[2:]
    if None in (*lengths, *counts):
        raise call.refusal("ceil_mode with an open length", "give the model inputs of a fixed size")
    steps = [cast(Sequence[int], node.fields[name]) for name in ("kernel_size", "stride")]
    shares, behind = np.ones([1]), []
    axes = zip(cast(Sequence[int], lengths), cast(Sequence[int], counts), pads, *steps, strict=True)
    for length, count, (before, after), kernel, stride in axes:
        starts = np.arange(count) * stride
        seen = np.minimum(starts + kernel, length + before + after) - starts
        shares = shares[..., None, :] * (kernel / seen)[:, None]
        behind.append((before, max(int(starts[-1]) + kernel - length - before, after)))
    plain = {**node.fields, "padding": ((0, 0),) * len(pads), "ceil_mode": False, "count_include_pad": False}
    mean = call.let(_applied(call, replace(node, fields=plain), call.let(explicit(x, tuple(behind)))))
    return f"{mean} * {call.assembler.fixed('shares', shares.astype(np.float32)[None], call.step)}"


@writes(
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
    *("_adaptive_avg_pool2d", "_adaptive_avg_pool3d"),
)
def adaptive(call: Call) -> str:
    """Into a number of cells; one cell is the whole, as many as there are places is the input itself."""
    x, shape = call.x(), call.shape("self")
    sizes = cast(list[int | None], call["output_size"])
    sizes = sizes if isinstance(sizes, list) else [sizes]
    lengths = shape[2:]
    wanted = [length if size is None else size for size, length in zip(sizes, lengths, strict=True)]
    way = "max" if "max" in call.step.operator else "avg"
    if wanted == list(lengths) and None not in lengths:
        return x
    if set(wanted) == {1}:
        name = {"max": "GlobalMaxPooling", "avg": "GlobalAveragePooling"}[way]
        keeps = {"keepdims": True} if len(call.step.shape) > 2 else {}
        return call.layer(f"{name}{len(wanted)}D", keeps, x)
    if None in wanted:
        raise call.refusal("a number of cells that is an open length")
    pairs = [(n, k) for n, k in zip(lengths, wanted, strict=True) if n is not None and k is not None]
    if len(pairs) == len(wanted) and all(n % k == 0 for n, k in pairs):
        window = tuple(n // k for n, k in pairs)
        name = {"max": "MaxPooling", "avg": "AveragePooling"}[way]
        return call.layer(f"{name}{len(window)}D", {"0": window[0] if len(set(window)) == 1 else window}, x)
    if (
        way == "max" and 1 in wanted
    ):  # Keras 3.15's layer then pools by a window longer than the axis, and TensorFlow ends
        return _cells(call, x, cast(list[int], wanted))
    name = {"max": "AdaptiveMaxPooling", "avg": "AdaptiveAveragePooling"}[way]
    return call.layer(f"{name}{len(wanted)}D", {"0": tuple(wanted)}, x)


@writes("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max(call: Call) -> list[str]:
    """The same with the largest; where it stood is not written."""
    if call.is_read(1):
        places(call)
    return [cast(str, adaptive(call))]


def _cells(call: Call, x: str, wanted: Sequence[int]) -> str:
    """The largest of each cell, axis by axis."""
    for axis, (length, size) in enumerate(zip(call.shape("self")[2:], wanted, strict=True), start=1):
        if length is None:
            raise call.refusal("cells of an axis of open length", "give the model inputs of a fixed size")
        if size == 1:
            x = call.let(f"ops.max({x}, axis={axis}, keepdims=True)")
        elif size != length:
            ends = [(place * length // size, -(-(place + 1) * length // size)) for place in range(size)]
            parts = [f"ops.max({x}[{':, ' * axis}{start}:{end}], axis={axis})" for start, end in ends]
            x = call.let(f"ops.stack([{', '.join(parts)}], axis={axis})")
    return x
