"""Operators of two values that are a sign between the two."""

from __future__ import annotations

from homolog.graph import Value
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.registry import Writer, writes

SIGNS = {
    **{"add": "+", "sub": "-", "mul": "*", "div": "/", "true_divide": "/", "divide": "/", "floor_divide": "//"},
    **{"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "remainder": "%"},
    **{"__and__": "&", "__or__": "|", "__xor__": "^", "__lshift__": "<<", "__rshift__": ">>"},
    **{"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"},
}


def is_negative(argument: object) -> bool:
    """Whether it is a number with a minus in front."""
    return isinstance(argument, int | float) and not isinstance(argument, bool) and argument < 0


def _signed(symbol: str) -> Writer:
    def write(call: Call) -> str:
        one, two, alpha = call["self"], call["other"], call["alpha"]
        if symbol == "/" and call["rounding_mode"]:
            mode = call["rounding_mode"]
            return f"torch.div({call.operand(one)}, {call.operand(two)}, rounding_mode={mode!r})"
        if alpha not in (None, 1):
            return f"{call.operand(one)} {symbol} {call.literal(alpha)} * {call.operand(two)}"
        if symbol in "+-" and is_negative(two):
            return f"{call.operand(one)} {'-' if symbol == '+' else '+'} {call.literal(-two)}"
        return f"{call.operand(one)} {symbol} {call.operand(two)}"

    return write


for _name, _symbol in SIGNS.items():
    writes(_name)(_signed(_symbol))


@writes("rsub")
def rsub(call: Call) -> str:
    """The second less the first."""
    one, two, alpha = call.operand(call["self"]), call.operand(call["other"]), call["alpha"]
    return f"{two} - {one}" if alpha in (None, 1) else f"{two} - {call.literal(alpha)} * {one}"


@writes("neg", "negative")
def negative(call: Call) -> str:
    """With the other sign."""
    return f"-{call.x()}"


@writes("pow")
def power(call: Call) -> str:
    """A value, or a number, to the power of another."""
    return f"{call.operand(call['self'])} ** {call.operand(call['exponent'])}"


@writes("matmul", "mm", "bmm")
def product(call: Call) -> str:
    """Of matrices, of many at once, of vectors."""
    other = "mat2" if isinstance(call["mat2"], Value) else "other"
    return f"{call.plain('self')} @ {call.plain(other)}"


@writes("baddbmm")
def added_product(call: Call) -> str:
    """Products of many matrices, and a summand that is as large or broadcasts."""
    found = times(call, call["alpha"], f"{call.plain('batch1')} @ {call.plain('batch2')}")
    if call["beta"] == 0:  # what stands in the summand is then not looked at
        return found
    return f"{times(call, call['beta'], call.plain('self'))} + {found}"


def times(call: Call, factor: object, expression: str) -> str:
    """An expression times a number, if that is not one."""
    return expression if factor in (None, 1) else f"{call.literal(factor)} * ({expression})"
