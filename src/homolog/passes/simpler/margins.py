"""Zeros around a map in front of a convolution: they are the convolution's own padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Value
from homolog.passes.simpler.rewiring import rewired
from homolog.trace import Step, Trace

PADS = {"pad", "constant_pad_nd"}
CONVOLUTIONS = {"conv1d", "conv2d", "conv3d"}
Pads = tuple[tuple[int, int], ...]


def margins(trace: Trace) -> Trace:
    """The trace with such zeros in the settings of the convolutions, where nobody else reads what is padded."""
    readers, ends = trace.readers(), set(trace.outputs.values())
    changed: dict[str, Step] = {}
    for step in trace.steps.values():
        if step.operator not in CONVOLUTIONS or step.layer is None:
            continue
        given = cast(Value, step.arguments["input"])
        front = trace.steps[given.node]
        zeros = _zeros(front) if front.operator in PADS and given not in ends and len(readers[given]) == 1 else None
        own = step.layer.fields["padding"]
        if zeros is None or isinstance(own, str):
            continue
        pairs = zip(cast(Pads, own), zeros, strict=True)
        total = tuple((before + more, after + behind) for (before, after), (more, behind) in pairs)
        layer = replace(step.layer, fields={**step.layer.fields, "padding": total})
        arguments = {**step.arguments, "input": front.arguments["self"]}
        changed[step.name] = replace(step, layer=layer, arguments=arguments)
    return rewired(trace, steps=changed) if changed else trace


def _zeros(step: Step) -> Pads | None:
    """How many zeros it puts around each spatial axis; None if it does something else."""
    amounts = cast(Sequence[object], step.arguments["pad"])
    space = len(step.shape) - 2
    numbers = [amount for amount in amounts if isinstance(amount, int) and amount >= 0]
    plain = step.arguments.get("mode", "constant") == "constant" and not step.arguments.get("value")
    if not plain or len(numbers) != len(amounts) or space < 1 or any(numbers[2 * space :]):
        return None
    numbers += [0] * (2 * space - len(numbers))
    return tuple((numbers[2 * axis], numbers[2 * axis + 1]) for axis in reversed(range(space)))
