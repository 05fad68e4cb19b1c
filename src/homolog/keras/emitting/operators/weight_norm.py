"""Weights that are computed from a length and a direction, in the order in which Keras's operations take them."""

from __future__ import annotations

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.registry import writes
from homolog.passes.ways import Order
from homolog.trace import Trace

OPERATOR = "_weight_norm"
WHOLE = -1
"""The axis that stands for one length for the whole weight."""


def kernel_order(rank: int) -> Order:
    """The order of a kernel: places first, then what goes in and what comes out."""
    return (*range(2, rank), 1, 0)


def kernel_orders(trace: Trace) -> dict[str, Order]:
    """The orders of what is computed so and read as a kernel alone."""
    readers = trace.readers()
    found: dict[str, Order] = {}
    for step in trace.steps.values():
        value = Value(step.name)
        if step.operator == OPERATOR and all(
            other.arguments.get("weight") == value and list(other.values()).count(value) == 1
            for other in readers.get(value, [])
        ):
            found[step.name] = kernel_order(len(step.shape))
    return found


def kernel(call: Call) -> str:
    """The weight of a convolution or a dense layer, which is computed or no layer's alone."""
    return call.assembler.expression(call.value("weight"), kernel_order(call.rank("weight")), call.step)


@writes(OPERATOR)
def weight_norm(call: Call) -> str:
    """Vectors along all axes but one, each as long as it is told."""
    rank, dim = call.rank("v"), call["dim"]
    direction = call.assembler.expression(call.value("v"), call.order, call.step)
    given = call.order if call.rank("g") else ()
    length = call.assembler.expression(call.value("g"), given, call.step)
    axes = tuple(place for place, axis in enumerate(call.order) if axis != dim % rank)
    along = "" if dim == WHOLE else f", axis={axes[0] if len(axes) == 1 else axes}, keepdims=True"
    return f"{direction} * ({length} / {call.let(f'ops.sqrt(ops.sum(ops.square({direction}){along}))')})"
