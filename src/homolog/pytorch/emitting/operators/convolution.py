"""Convolutions and transposed ones: modules where they hold their kernels, functions where those are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from homolog.errors import Unsupported
from homolog.graph import Node
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.operators.functions import applied
from homolog.pytorch.emitting.operators.layers import as_module
from homolog.pytorch.emitting.registry import writes
from homolog.rules.conv import Pads, same_pads


@writes("conv1d", "conv2d", "conv3d")
def convolution(call: Call) -> str:
    """A convolution, with its padding in front of it where it is not the same on both sides."""
    node = call.step.layer
    if node is None:
        return applied(call, f"F.{call.step.operator}")
    x, padding = call.x("input"), node.fields["padding"]
    rank = len(cast(Sequence[int], node.fields["kernel_size"]))
    if padding == "same" and set(cast(Sequence[int], node.fields["stride"])) != {1}:
        x = _same(call, node, x)
        padding = ((0, 0),) * rank
    elif not isinstance(padding, str) and not _is_one_word(node):
        x = call.let(padded(x, cast(Pads, padding)))
        padding = ((0, 0),) * rank
    return as_module(call, replace(node, fields={**node.fields, "padding": padding}), x)


def _is_one_word(node: Node) -> bool:
    """Whether PyTorch has a number, or a word, for the padding."""
    pads = cast(Pads, node.fields["padding"])
    if all(before == after >= 0 for before, after in pads):
        return True
    steps = [cast(Sequence[int], node.fields[name]) for name in ("kernel_size", "dilation")]
    return set(cast(Sequence[int], node.fields["stride"])) == {1} and pads == same_pads(*steps)


def padded(x: str, pads: Pads) -> str:
    """Zeros around the spatial axes; what is less than none is cut off."""
    amounts = ", ".join(str(amount) for pair in reversed(pads) for amount in pair)
    return f"F.pad({x}, ({amounts}))"


def _same(call: Call, node: Node, x: str) -> str:
    """As much padding as takes each stride one window: it depends on the lengths, which are open."""
    lengths = call.shape("input")[2:]
    steps = [cast(Sequence[int], node.fields[name]) for name in ("kernel_size", "stride", "dilation")]
    words: list[str] = []
    for axis, (length, k, s, d) in enumerate(zip(lengths, *steps, strict=True), start=2):
        reach = d * (k - 1) + 1
        if length is None:
            total = call.let(f"max((-(-{x}.shape[{axis}] // {s}) - 1) * {s} + {reach} - {x}.shape[{axis}], 0)")
            words = [f"{total} // 2", f"{total} - {total} // 2", *words]
        else:
            known = max((-(-length // s) - 1) * s + reach - length, 0)
            words = [str(known // 2), str(known - known // 2), *words]
    return call.let(f"F.pad({x}, ({', '.join(words)}))")


@writes("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed(call: Call) -> str:
    """A transposed convolution; what PyTorch does not crop is cut off behind it."""
    node = call.step.layer
    if node is None:
        return applied(call, f"F.{call.step.operator}")
    try:
        return as_module(call, node, call.x("input"))
    except Unsupported:
        return _cropped(call, node)


def _cropped(call: Call, node: Node) -> str:
    """With nothing cropped by the module itself: what is too much is cut, zeros lie behind where more is wanted."""
    crops = cast(Pads, node.fields["padding"])
    if any(before < 0 for before, _ in crops):
        raise call.refusal(f"padding={crops}: less than nothing cropped in front")
    plain = tuple((0, min(after, 0)) for _, after in crops)
    full = as_module(call, replace(node, fields={**node.fields, "padding": plain}), call.x("input"))
    ends = [(before, max(after, 0)) for before, after in crops]
    parts = [f"{before or ''}:{-after if after else ''}" for before, after in ends]
    return f"{full}[:, :, {', '.join(parts)}]"
