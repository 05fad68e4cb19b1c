"""Axes that are merged into rows, for layers that treat each row by itself, and given back behind them: such layers
take rows of any axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Value
from homolog.passes.simpler.rewiring import rewired
from homolog.passes.ways import POINTWISE
from homolog.trace import Step, Trace

RESHAPES = {"view", "reshape", "_unsafe_view", "flatten", "unflatten"}
ALONG_LAST = {"softmax", "log_softmax", "_softmax", "_log_softmax"}
"""Operators that treat each row by itself, if the axis that they name is the last."""


def rows(trace: Trace) -> Trace:
    """The trace without such reshapes, where nobody else reads what lies between them."""
    readers, ends = trace.readers(), set(trace.outputs.values())
    same: dict[Value, Value] = {}
    changed: dict[str, Step] = {}

    def behind(step: Step) -> Iterator[Step]:
        """What reads a step, one by one, as long as nothing else does."""
        value = Value(step.name)
        while value not in ends and len(readers.get(value, ())) == 1:
            (reader,) = readers[value]
            yield reader
            value = Value(reader.name)

    for step in trace.steps.values():
        given = step.arguments.get("self")
        if step.operator not in RESHAPES or len(step.shape) != 2 or not isinstance(given, Value):
            continue
        shape = trace.shape(given)
        if len(shape) < 3 or shape[-1] != step.shape[-1]:
            continue
        chain: list[Step] = []
        for reader in behind(step):
            if _is_by_rows(reader):
                chain.append(reader)
                continue
            if chain and reader.operator in RESHAPES and _gives_back(trace, given, chain[-1], reader):
                changed |= {link.name: _with_axes(link, trace.open(given), shape) for link in chain}
                same |= {Value(step.name): given, Value(reader.name): Value(chain[-1].name)}
            break
    return rewired(trace, same, changed) if changed else trace


def _gives_back(trace: Trace, given: Value, last: Step, reshape: Step) -> bool:
    """Whether a reshape gives rows the axes that they had before they were merged."""
    same_shape = reshape.shape[:-1] == trace.shape(given)[:-1] and reshape.shape[-1] == last.shape[-1]
    return same_shape and reshape.open[0][:-1] == trace.open(given)[:-1]


def _is_by_rows(step: Step) -> bool:
    """Whether it gives for each row of its one tensor a row."""
    if len(list(step.values())) != 1 or len(step.shapes) != 1 or len(step.shape) != 2:
        return False
    if step.operator in ALONG_LAST:
        return step.arguments["dim"] in (1, -1)
    if step.operator == "layer_norm":
        return len(cast(Sequence[int], step.arguments["normalized_shape"])) == 1
    return step.operator in POINTWISE or (step.operator == "linear" and step.layer is not None)


def _with_axes(step: Step, open: tuple[str, ...], shape: tuple[int | None, ...]) -> Step:
    """A step for rows that have the axes of a shape in front."""
    shapes = ((*shape[:-1], step.shape[-1]),)
    arguments: Mapping[str, object] = step.arguments
    if step.operator in ALONG_LAST:
        arguments = {**arguments, "dim": -1}
    layer = None if step.layer is None else replace(step.layer, shapes=shapes)
    told = ((*open[:-1], step.open[0][-1]),)
    return replace(step, arguments=arguments, shapes=shapes, open=told, layer=layer)
