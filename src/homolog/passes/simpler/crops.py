"""What is cut off behind a convolution where it reached into its padding: it is padded by so much less.

A temporal convolutional network says so what Keras calls causal: it pads both ends, and cuts the last places off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from homolog.graph import Node, Value
from homolog.passes.simpler.margins import CONVOLUTIONS, Pads
from homolog.passes.simpler.rewiring import rewired, source
from homolog.trace import END, Step, Trace


def crops(trace: Trace) -> Trace:
    """The trace with such slices in the padding of the convolutions, where nobody else reads what is cut."""
    readers, ends = trace.readers(), set(trace.outputs.values())
    same: dict[Value, Value] = {}
    changed: dict[str, Step] = {}
    for step in trace.steps.values():
        if step.operator != "slice":
            continue
        given = cast(Value, step.arguments["self"])
        found, front = source(trace, given)
        while found in same:
            found, front = source(trace, same[found])
        front = changed.get(front.name, front)
        if front.operator not in CONVOLUTIONS or front.layer is None or found in ends or len(readers[found]) > 1:
            continue
        layer = _cropped(front, front.layer, step)
        if layer is not None and (given == found or (given not in ends and len(readers[given]) == 1)):
            changed[front.name] = replace(front, layer=layer, shapes=step.shapes, open=step.open)
            same[Value(step.name)] = found
    return rewired(trace, same, changed) if changed else trace


def _cropped(step: Step, node: Node, cut: Step) -> Node | None:
    """The convolution with less padding; None if more than that is cut off."""
    own, axis = node.fields["padding"], cast(int, cut.arguments["dim"] or 0) % len(step.shape)
    start, end, length = cut.arguments["start"] or 0, cut.arguments["end"], step.shape[axis]
    strides = cast(tuple[int, ...], node.fields["stride"])
    if isinstance(own, str) or axis < 2 or strides[axis - 2] != 1 or cut.arguments["step"] not in (None, 1):
        return None
    end = END if end is None else end
    if not isinstance(start, int) or not isinstance(end, int) or start < 0:
        return None
    behind = -end if end < 0 else 0 if end >= END else None if length is None else length - end
    padding = list(cast(Pads, own))
    before, after = padding[axis - 2]
    if behind is None or start > before or not 0 <= behind <= after:
        return None
    padding[axis - 2] = (before - start, after - behind)
    return replace(node, fields={**node.fields, "padding": tuple(padding)})
