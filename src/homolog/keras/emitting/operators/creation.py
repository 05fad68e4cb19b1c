"""Operators that make tensors. What has one value for all inputs is computed when the model is written; the others
depend on the number of rows."""

from __future__ import annotations

from typing import cast

from homolog.keras.emitting.call import Call
from homolog.keras.emitting.registry import writes
from homolog.trace import Open


@writes("zeros", "ones", "full", "new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like")
def filled(call: Call) -> str:
    """One number everywhere, for a shape that is several times as long as the batch."""
    name = call.step.operator
    number = "1" if "ones" in name else "0" if "zeros" in name else call.literal(call["fill_value"])
    rows = rows_of(call)
    size = 1
    for length in call.step.shape[1:]:
        if length is None:
            raise call.refusal("a shape with several open lengths", "fix all lengths but the batch")
        size *= length
    flat = call.let(f"ops.repeat({beside(call)}, {rows * size})" if rows * size != 1 else beside(call))
    value = "0" if call.out_dtype != "bool" else "False"
    made = flat if number == value else call.let(f"ops.where({flat}, {number}, {number})")
    typed = call.let(f"ops.cast({made}, {call.out_dtype!r})")
    return typed if len(call.step.shape) == 1 else f"ops.reshape({typed}, {call.target_shape()})"


def rows_of(call: Call) -> int:
    """How many times as long as the batch the first axis is."""
    size = call["size"]
    first = size[0] if isinstance(size, list) and size else Open("batch", 1)
    if call.step.shape[:1] != (None,) or not isinstance(first, Open) or not first.batches or first.at_one is None:
        raise call.refusal("a shape that depends on the batch other than by its first axis")
    if first.text not in ("batch", f"{first.at_one}*batch"):
        raise call.refusal(f"an axis of length {first.text}")
    return first.at_one


def beside(call: Call) -> str:
    """Zeros, one for each row of the batch."""
    name = call.assembler.anchor
    rank = len(call.assembler.trace.inputs[0].shape)
    return call.let(f"ops.zeros_like({name}[{', '.join([':', *['0'] * (rank - 1)])}])")


@writes("arange")
def arange(call: Call) -> str:
    """Numbers of the rows."""
    start, end, step = call["start"] or 0, cast(object, call["end"]), call["step"] or 1
    if start != 0 or step != 1 or not isinstance(end, Open) or end.text != "batch":
        raise call.refusal("a range whose length depends on the batch other than by being it")
    ones = call.let(f"ops.cast(ops.ones_like({beside(call)}), {call.out_dtype!r})")
    return f"ops.cumsum({ones}) - 1"


@writes("zero")
def zeros_in_place(call: Call) -> str:
    """What is set to zero, as functionalisation says it."""
    return f"ops.zeros_like({call.x()})"
