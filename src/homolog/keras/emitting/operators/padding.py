"""Padding: folded into the layer where Keras pads alike, else in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Node
from homolog.keras.emitting.call import Call
from homolog.rules.conv import Pads, same_pads, settle_same

CLASSES = {1: "ZeroPadding1D", 2: "ZeroPadding2D", 3: "ZeroPadding3D"}


def padded(call: Call, node: Node, x: str, value: float = 0.0) -> tuple[Node, str]:
    """A sliding window without the padding that Keras has no word for, and its input with it.

    Keras knows ``same``, whose amounts depend on the length of the input: it is written where it is right for this
    one's. Lengths that are open are never decided so, unless it is right for all.
    """
    pads = node.fields["padding"]
    if isinstance(pads, str) or not any(map(any, cast(Pads, pads))):
        return node, x
    if is_same(call, node):
        return replace(node, fields={**node.fields, "padding": "same"}), x
    rank = len(cast(Pads, pads))
    node = replace(node, fields={**node.fields, "padding": ((0, 0),) * rank})
    return node, call.let(explicit(x, cast(Pads, pads), value))


def is_same(call: Call, node: Node) -> bool:
    """Whether ``same`` pads by these amounts, for every length that the input can have."""
    fields, pads = node.fields, cast(Pads, node.fields["padding"])
    kernel, stride, dilation = (cast(Sequence[int], fields[name]) for name in ("kernel_size", "stride", "dilation"))
    if set(stride) == {1}:
        return pads == same_pads(kernel, dilation)
    shape = call.shape(next(iter(call.step.values())))
    if None in shape[2:] or (node.weights and call.assembler.is_shared(node)):  # it is called on other lengths too
        return False
    return settle_same({**fields, "padding": "same"}, [shape])["padding"] == pads


def explicit(x: str, pads: Pads, value: float = 0.0) -> str:
    """Padding of the spatial axes by itself, channels last."""
    if value:
        amounts = ((0, 0), *pads, (0, 0))
        return f"ops.pad({x}, {amounts!r}, constant_values={_number(value)})"
    return f"layers.{CLASSES[len(pads)]}({shortest(pads)!r})({x})"


def shortest(pads: Pads) -> object:
    """Amounts as a person would write them."""
    if len(pads) == 1:
        before, after = pads[0]
        return before if before == after else (before, after)
    if all(before == after for before, after in pads):
        amounts = tuple(before for before, _ in pads)
        return amounts[0] if len(set(amounts)) == 1 else amounts
    return pads


def _number(value: float) -> str:
    return 'float("-inf")' if value == float("-inf") else repr(value)
