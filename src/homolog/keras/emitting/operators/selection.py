"""Operators that choose between values, or give them another element type."""

from __future__ import annotations

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.types import is_float
from homolog.keras.emitting.registry import writes
from homolog.tensors import HALVES


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
    return f"ops.stop_gradient({call.x()})"


@writes("to", "_to_copy", "type_as", "float", "_cast_Float")
def cast(call: Call) -> str:
    """Another element type."""
    return casted(call, call.x(), call.dtype("self"))


def casted(call: Call, x: str, dtype: str) -> str:
    """An expression of one element type in that of the result.

    Floats stay what the model computes in, but for half precision in a model that is not of it: it rounds."""
    floats = is_float(dtype) and is_float(call.out_dtype)
    rounds = not HALVES.isdisjoint((dtype, call.out_dtype)) and not _is_half(call)
    if dtype == call.out_dtype or (floats and not rounds):
        return x
    return f"ops.cast({x}, {call.out_dtype!r})"


def _is_half(call: Call) -> bool:
    """Whether the model's own tensors are of half precision."""
    steps = call.assembler.trace.steps.values()
    held = (ref for step in steps if step.layer for weight in step.layer.weights.values() for ref in weight.tensors)
    own = (*(ref.dtype for ref in held), *(step.tensor.dtype for step in steps if step.tensor is not None))
    return not HALVES.isdisjoint(own or [step.dtypes[0] for step in call.assembler.trace.inputs])


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
