"""Operators of one value, number by number: functions, roundings, powers, bounds."""

from __future__ import annotations

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.types import floated, is_float
from homolog.keras.emitting.registry import Writer, writes

OF_ONE = {
    **{name: name for name in ("exp", "expm1", "exp2", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "square")},
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "erfc", "erfinv", "sinc", "i0")},
    **{name: name for name in ("reciprocal", "sigmoid", "deg2rad", "rad2deg")},
    **{"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh"},
    **{"atanh": "arctanh", "arcsin": "arcsin", "arccos": "arccos", "arctan": "arctan", "arcsinh": "arcsinh"},
    **{"arccosh": "arccosh", "arctanh": "arctanh", "special_expm1": "expm1", "special_erf": "erf"},
}
"""Operators of one value that give a float, by the name of the function in ``keras.ops``."""

KEEPING = {
    **{name: name for name in ("abs", "sign", "floor", "ceil", "trunc")},
    **{"absolute": "abs", "neg": "negative", "negative": "negative", "sgn": "sign", "fix": "trunc"},
}
"""Operators of one value that give what they are given, floats or integers."""

TELLING = {
    **{name: name for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "logical_not")},
}
"""Operators of one value that give truth values."""


def _of_one(function: str) -> Writer:
    def write(call: Call) -> str:
        return f"ops.{function}({floated(call, call['self'])})"

    return write


for _name, _function in OF_ONE.items():
    writes(_name)(_of_one(_function))


def _keeping(function: str) -> Writer:
    def write(call: Call) -> str:
        rounds = function in ("floor", "ceil", "trunc")
        return call.x() if rounds and not is_float(call.out_dtype) else f"ops.{function}({call.x()})"

    return write


for _name, _function in KEEPING.items():
    writes(_name)(_keeping(_function))


def _telling(function: str) -> Writer:
    def write(call: Call) -> str:
        return f"ops.{function}({call.x()})"

    return write


for _name, _function in TELLING.items():
    writes(_name)(_telling(_function))


@writes("positive")
def positive(call: Call) -> str:
    """The value itself."""
    return call.x()


@writes("round")
def rounded(call: Call) -> str:
    """To the nearest, halves to the even one, or to so many decimals."""
    decimals = call["decimals"]
    if not is_float(call.out_dtype):
        return call.x()
    return f"ops.round({call.x()}{f', {call.literal(decimals)}' if decimals else ''})"


@writes("frac")
def fraction(call: Call) -> str:
    """What is left without the whole number."""
    x = call.x()
    return f"{x} - ops.trunc({x})"


@writes("pow", "float_power")
def power(call: Call) -> str:
    """A value, or a number, to the power of another."""
    base, exponent = call["self"], call["exponent"]
    if isinstance(base, Value) and not isinstance(exponent, Value) and call.dtype(base) == call.out_dtype:
        return f"{call.operand(base)} ** {call.literal(exponent)}"
    return f"ops.power({floated(call, base)}, {floated(call, exponent)})"


@writes("clamp", "clamp_min", "clamp_max", "clip", "hardtanh")
def clamp(call: Call) -> str:
    """Between two bounds, or with one."""
    low, high = (call[key] if call[key] is not None else call[f"{key}_val"] for key in ("min", "max"))
    x = call.x()
    numbers = not isinstance(low, Value) and not isinstance(high, Value)
    if (low, high) == (0, 6) and call.dtype("self") == call.out_dtype:
        return f"ops.relu6({x})"
    if low is not None and high is not None and numbers and call.dtype("self") == call.out_dtype:
        return f"ops.clip({x}, {call.literal(low)}, {call.literal(high)})"
    if low is not None:
        x = f"ops.maximum({x}, {call.operand(low)})"
    if high is not None:
        x = f"ops.minimum({call.let(x)}, {call.operand(high)})"
    return x
