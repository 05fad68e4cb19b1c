"""Operators that work on each number by itself: arithmetic, comparisons, activations."""

from __future__ import annotations

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.registry import Writer, writes

SYMBOLS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "eq": "ops.equal",
    "ne": "ops.not_equal",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "maximum": "ops.maximum",
    "minimum": "ops.minimum",
    "fmod": "ops.fmod",
    "atan2": "ops.arctan2",
    "logical_and": "ops.logical_and",
    "logical_or": "ops.logical_or",
    "logical_xor": "ops.logical_xor",
    "bitwise_and": "ops.bitwise_and",
    "bitwise_or": "ops.bitwise_or",
    "bitwise_xor": "ops.bitwise_xor",
    "__and__": "ops.bitwise_and",
    "__or__": "ops.bitwise_or",
    "__xor__": "ops.bitwise_xor",
    "logaddexp": "ops.logaddexp",
}
"""Operators of two values, by what they are in Keras: a sign between the two, or a function."""

LOGICAL = {"bitwise_and", "bitwise_or", "bitwise_xor", "__and__", "__or__", "__xor__"}

FUNCTIONS = {
    **{name: name for name in ("exp", "expm1", "exp2", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "square")},
    **{name: name for name in ("abs", "sign", "reciprocal", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf")},
    **{name: name for name in ("erfinv", "floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "logical_not")},
    **{name: name for name in ("relu", "relu6", "silu", "sigmoid", "selu", "softsign", "log_sigmoid", "erfc")},
    **{"neg": "negative", "sgn": "sign", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh"},
    **{"acosh": "arccosh", "atanh": "arctanh", "hardsigmoid": "hard_sigmoid", "hardswish": "hard_silu"},
    **{"tanhshrink": "tanh_shrink", "round": "round"},
}
"""Operators of one value, by the name of the function in ``keras.ops``."""


def _promoted(call: Call, argument: object) -> str:
    """An operand in the result's element type, where the operator counts in that."""
    expression = call.operand(argument)
    if not isinstance(argument, Value) or call.dtype(argument) == call.out_dtype:
        return expression
    return f"ops.cast({expression}, {call.out_dtype!r})"


def _binary(name: str, symbol: str) -> Writer:
    def write(call: Call) -> str:
        arithmetic = call.step.dtypes[0] != "bool"
        operand = _promoted if arithmetic else Call.operand
        one, two = (operand(call, call[key]) for key in ("self", "other"))
        alpha = call["alpha"]
        if alpha not in (None, 1):
            two = f"{call.literal(alpha)} * {two}"
        if name == "div" and call["rounding_mode"]:
            floors = call["rounding_mode"] == "floor"
            return f"ops.floor_divide({one}, {two})" if floors else f"ops.trunc({one} / {two})"
        if name in LOGICAL and not arithmetic:
            return f"{symbol.replace('bitwise', 'logical')}({one}, {two})"
        return f"{symbol}({one}, {two})" if symbol.startswith("ops.") else f"{one} {symbol} {two}"

    return write


for _name, _symbol in SYMBOLS.items():
    writes(_name)(_binary(_name, _symbol))


def _unary(function: str) -> Writer:
    def write(call: Call) -> str:
        return f"ops.{function}({_promoted(call, call['self'])})"

    return write


for _name, _function in FUNCTIONS.items():
    writes(_name)(_unary(_function))


@writes("rsub")
def rsub(call: Call) -> str:
    """The second less the first."""
    one, two, alpha = _promoted(call, call["self"]), _promoted(call, call["other"]), call["alpha"]
    return f"{two} - {one}" if alpha in (None, 1) else f"{two} - {call.literal(alpha)} * {one}"


@writes("pow")
def power(call: Call) -> str:
    """A value, or a number, to the power of another."""
    base = call["self"]
    return f"ops.power({_promoted(call, base)}, {_promoted(call, call['exponent'])})"


@writes("gelu")
def gelu(call: Call) -> str:
    """Exact, or by its approximation with a tanh."""
    return f"ops.gelu({call.x()}, approximate={call['approximate'] == 'tanh'})"


@writes("leaky_relu")
def leaky_relu(call: Call) -> str:
    """With a slope below zero."""
    return f"ops.leaky_relu({call.x()}, negative_slope={call.literal(call['negative_slope'])})"


@writes("clamp", "clamp_min", "clamp_max", "clip", "hardtanh")
def clamp(call: Call) -> str:
    """Between two bounds, or with one."""
    low, high = (call[key] if call[key] is not None else call[f"{key}_val"] for key in ("min", "max"))
    x = call.x()
    if low is None:
        return f"ops.minimum({x}, {call.operand(high)})"
    if high is None:
        return f"ops.maximum({x}, {call.operand(low)})"
    return f"ops.clip({x}, {call.operand(low)}, {call.operand(high)})"


@writes("dropout")
def dropout(call: Call) -> str:
    """Which drops in training alone."""
    if call["train"]:
        raise call.refusal("a dropout that drops at inference too")
    x = call.x("input")
    return call.layer("Dropout", {"0": call["p"]}, x) if call["p"] else x


@writes("clone", "contiguous", "detach", "alias", "lift_fresh_copy", "_assert_tensor_metadata")
def same(call: Call) -> str:
    """What is another object in PyTorch, and the same value."""
    return call.x()


@writes("to", "_to_copy", "type_as", "float")
def cast(call: Call) -> str:
    """Another element type. Floats stay what the model computes in."""
    x = call.x()
    if call.dtype("self") == call.out_dtype or all(
        word.startswith(("float", "bfloat")) for word in (call.dtype("self"), call.out_dtype)
    ):
        return x
    return f"ops.cast({x}, {call.out_dtype!r})"


@writes("where")
def where(call: Call) -> str:
    """One value or another, as a third says."""
    one, two = (call["self"], call["other"])
    return f"ops.where({call.operand(call['condition'])}, {_promoted(call, one)}, {_promoted(call, two)})"


@writes("masked_fill")
def masked_fill(call: Call) -> str:
    """A number where a mask holds."""
    x = call.x()
    return f"ops.where({call.operand(call['mask'])}, {call.operand(call['value'])}, {x})"
