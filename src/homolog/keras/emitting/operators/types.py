"""Element types of operands."""

from __future__ import annotations

from homolog.graph import Value
from homolog.keras.emitting.call import Call


def floated(call: Call, argument: object, expression: str = "") -> str:
    """An operand as a float, where the operator gives one: not all functions of Keras take integers."""
    expression = expression or call.operand(argument)
    if isinstance(argument, Value) and not is_float(call.dtype(argument)) and is_float(call.out_dtype):
        return call.let(f"ops.cast({expression}, {call.out_dtype!r})")
    return expression


def is_float(dtype: str) -> bool:
    """Whether an element type has fractions."""
    return "float" in dtype
