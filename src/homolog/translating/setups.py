"""What a training setup asks of the network that it trains."""

from __future__ import annotations

from homolog.graph import Value
from homolog.trace import Trace

HANDS_ON = {"clone", "contiguous", "alias", "detach", "view", "reshape", "flatten", "squeeze", "dropout", "permute"}
"""Operators that give the numbers that they are given."""


def last_operator(trace: Trace, value: Value) -> str:
    """What gives a value, whatever only hands it on left out."""
    step = trace.steps[value.node]
    while step.operator in HANDS_ON:
        step = trace.steps[next(iter(step.values())).node]
    return step.operator.removeprefix("_")
