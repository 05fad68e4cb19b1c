"""Operators that choose between values, or give them another element type."""

from __future__ import annotations

from homolog.graph import Value
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.registry import writes


@writes(
    *("clone", "contiguous", "alias", "lift_fresh_copy", "_assert_tensor_metadata"),
    *("resolve_neg", "pin_memory"),
)
def same(call: Call) -> str:
    """What is another object, and the same value."""
    return call.x()


@writes("detach")
def detach(call: Call) -> str:
    """The same value, through which no gradient goes back."""
    return call.x() if call.step.static else f"{call.x()}.detach()"


@writes("to", "_to_copy", "type_as", "float", "_cast_Float")
def cast(call: Call) -> str:
    """Another element type. Floats stay what the model computes in."""
    return casted(call, call.x(), call.dtype("self"))


def casted(call: Call, x: str, dtype: str) -> str:
    """An expression of one element type in that of the result."""
    if dtype == call.out_dtype or (is_float(dtype) and is_float(call.out_dtype)):
        return x
    return f"{x}.to({type_word(call)})"


def type_word(call: Call) -> str:
    """The element type of the result; a float of the kind that the model computes in."""
    return f"torch.{call.out_dtype}"


def is_float(dtype: str) -> bool:
    """Whether an element type has fractions."""
    return "float" in dtype


@writes("where")
def where(call: Call) -> str:
    """One value or another, as a third says."""
    if "self" not in call.step.arguments:
        raise call.refusal("where without values: how many places there are depends on the values")
    words = [call.operand(call[name]) for name in ("condition", "self", "other")]
    return f"torch.where({', '.join(words)})"


@writes("masked_fill")
def masked_fill(call: Call) -> str:
    """A number where a mask holds."""
    value = call["value"]
    x, mask = call.operand(call["self"]), call.operand(call["mask"])
    if isinstance(value, Value) or call.shape("self") != call.step.shape:
        return f"torch.where({mask}, {call.operand(value)}, {x})"
    return f"{x}.masked_fill({mask}, {call.literal(value)})"


@writes("copy")
def copy(call: Call) -> str:
    """The second in the shape and element type of the first."""
    source = call.value("src")
    x = casted(call, call.operand(source), call.dtype(source))
    if call.shape("self") == call.shape(source):
        return x
    return f"{x}.expand_as({call.with_rows('self', call.x())})"


@writes("fill")
def fill(call: Call) -> str:
    """One number everywhere."""
    x, value = call.x(), call["value"]
    if isinstance(value, Value):
        return f"{call.tensor(value)}.expand_as({x})"
    return f"torch.full_like({x}, {call.literal(value)})"
