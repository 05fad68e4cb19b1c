"""Zeros around a map in front of a convolution: they are the convolution's own padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Value
from homolog.passes.simpler.rewiring import rewired
from homolog.passes.ways import is_permutation, laid, natural, permutation
from homolog.trace import Step, Trace

PADS = {"pad", "constant_pad_nd"}
CONVOLUTIONS = {"conv1d", "conv2d", "conv3d"}
Pads = tuple[tuple[int, int], ...]


def margins(trace: Trace) -> Trace:
    """The trace with such zeros in the settings of the convolutions, where nobody else reads what is padded."""
    readers, ends = trace.readers(), set(trace.outputs.values())
    changed: dict[str, Step] = {}

    def is_read_once(value: Value) -> bool:
        return value not in ends and len(readers[value]) == 1

    for step in trace.steps.values():
        if step.operator not in CONVOLUTIONS or step.layer is None:
            continue
        given = cast(Value, step.arguments["input"])
        front = trace.steps[given.node]
        turned = front if is_permutation(front) and is_read_once(given) else None
        dims = natural(len(front.shape)) if turned is None else permutation(turned, len(front.shape))
        padded = given if turned is None else cast(Value, turned.arguments["self"])
        pad = trace.steps[padded.node]
        zeros = _zeros(pad, dims) if pad.operator in PADS and is_read_once(padded) else None
        own = step.layer.fields["padding"]
        if zeros is None or isinstance(own, str):
            continue
        pairs = zip(cast(Pads, own), zeros, strict=True)
        total = tuple((before + more, after + behind) for (before, after), (more, behind) in pairs)
        layer = replace(step.layer, fields={**step.layer.fields, "padding": total})
        inside = cast(Value, pad.arguments["self"])
        if turned is not None:
            shapes = (laid(trace.shape(inside), dims),)
            told = (tuple(trace.open(inside)[dim] for dim in dims),)
            arguments = {**turned.arguments, "self": inside}
            changed[turned.name] = replace(turned, shapes=shapes, open=told, arguments=arguments)
            inside = given
        changed[step.name] = replace(step, layer=layer, arguments={**step.arguments, "input": inside})
    return rewired(trace, steps=changed) if changed else trace


def _zeros(step: Step, dims: Sequence[int]) -> Pads | None:
    """How many zeros it puts around each spatial axis, once its axes are called otherwise; None if it does something
    else."""
    amounts = cast(Sequence[object], step.arguments["pad"])
    numbers = [amount for amount in amounts if isinstance(amount, int) and amount >= 0]
    plain = step.arguments.get("mode", "constant") == "constant" and not step.arguments.get("value")
    if not plain or len(numbers) != len(amounts) or len(dims) < 3:
        return None
    last = len(dims) - 1
    around: Mapping[int, tuple[int, int]] = {
        last - place: (numbers[2 * place], numbers[2 * place + 1]) for place in range(len(numbers) // 2)
    }
    rows, channels, *space = (around.get(dim, (0, 0)) for dim in dims)
    return None if any((*rows, *channels)) else tuple(space)
