"""Operators that choose between values, or give them another element type."""

from __future__ import annotations

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.types import is_float
from homolog.keras.emitting.registry import writes


@writes(
    *("clone", "contiguous", "alias", "lift_fresh_copy", "_assert_tensor_metadata"),
    *("real", "conj", "resolve_conj", "resolve_neg", "pin_memory"),
)
def same(call: Call) -> str:
    """What is another object in PyTorch, and the same value."""
    return call.x()


@writes("detach")
def detach(call: Call) -> str:
    """The same value, through which no gradient goes back."""
    return call.x() if call.step.static else f"ops.stop_gradient({call.x()})"


@writes("to", "_to_copy", "type_as", "float", "_cast_Float")
def cast(call: Call) -> str:
    """Another element type. Floats stay what the model computes in."""
    return casted(call, call.x(), call.dtype("self"))


def casted(call: Call, x: str, dtype: str) -> str:
    """An expression of one element type in that of the result."""
    if dtype == call.out_dtype or (is_float(dtype) and is_float(call.out_dtype)):
        return x
    return f"ops.cast({x}, {call.out_dtype!r})"


@writes("where")
def where(call: Call) -> str:
    """One value or another, as a third says."""
    if "self" not in call.step.arguments:
        raise call.refusal("where without values: how many places there are depends on the values")
    return f"ops.where({call.operand(call['condition'])}, {call.operand(call['self'])}, {call.operand(call['other'])})"


@writes("masked_fill")
def masked_fill(call: Call) -> str:
    """A number where a mask holds."""
    x, value = call.operand(call["self"]), call["value"]
    if not isinstance(value, Value) and is_float(call.out_dtype) is False and isinstance(value, float):
        value = int(value)  # PyTorch keeps the type of what is filled
    return f"ops.where({call.operand(call['mask'])}, {call.operand(value)}, {x})"


@writes("copy")
def copy(call: Call) -> str:
    """The second in the shape and element type of the first."""
    source = call.value("src")
    x = casted(call, call.operand(source), call.dtype(source))
    if call.shape("self") == call.shape(source):
        return x
    return f"ops.where(ops.ones_like({call.operand(call['self'])}, dtype='bool'), {x}, {x})"


@writes("fill")
def fill(call: Call) -> str:
    """One number everywhere."""
    x = call.x()
    return f"ops.where(ops.ones_like({x}, dtype='bool'), {call.operand(call['value'])}, {x})"
