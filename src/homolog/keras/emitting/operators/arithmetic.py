"""Operators of two values, number by number: arithmetic, comparisons, truth.

Keras takes element types together as PyTorch does, as far as it goes: what it does by itself is left to it, so that a
model computes in the type that its layers have, whichever that is.
"""

from __future__ import annotations

from homolog.graph import OpenShape, Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.operators.types import floated, is_float
from homolog.keras.emitting.registry import Writer, writes

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
"""Operators of two values that are a sign between the two."""

COMPARISONS = {"lt": ("<", "less"), "le": ("<=", "less_equal"), "gt": (">", "greater"), "ge": (">=", "greater_equal")}
"""The same, with the function that they are where the first value is a constant: TensorFlow's have no ``<`` with what
is no number yet."""

OF_TWO = {
    "eq": "equal",
    "ne": "not_equal",
    "maximum": "maximum",
    "minimum": "minimum",
    "fmax": "fmax",
    "fmin": "fmin",
    "fmod": "fmod",
    "remainder": "mod",
    "atan2": "arctan2",
    "arctan2": "arctan2",
    "hypot": "hypot",
    "logaddexp": "logaddexp",
    "logaddexp2": "logaddexp2",
    "logical_and": "logical_and",
    "logical_or": "logical_or",
    "logical_xor": "logical_xor",
    "__lshift__": "bitwise_left_shift",
    "__rshift__": "bitwise_right_shift",
    "bitwise_left_shift": "bitwise_left_shift",
    "bitwise_right_shift": "bitwise_right_shift",
}
"""Operators of two values, by the name of the function in ``keras.ops``."""

BITS = {
    **{"bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor"},
    **{"__and__": "and", "__or__": "or", "__xor__": "xor"},
}
"""Operators that are another function of truth values than of numbers."""

OF_TRUTHS = {"add": "logical_or", "mul": "logical_and", "maximum": "logical_or", "minimum": "logical_and"}
"""What arithmetic is, of two truth values that give one."""


def is_negative(argument: object) -> bool:
    """Whether it is a number with a minus in front."""
    return isinstance(argument, int | float) and not isinstance(argument, bool) and argument < 0


def _of_two(name: str) -> Writer:
    def write(call: Call) -> str:
        one, two = call["self"], call["other"]
        if name in OF_TRUTHS and call.step.dtypes[0] == "bool":
            return f"ops.{OF_TRUTHS[name]}({call.operand(one)}, {call.operand(two)})"
        if name in SIGNS:
            return signed(call, SIGNS[name])
        if name in COMPARISONS:
            return compared(call, *COMPARISONS[name])
        return f"ops.{OF_TWO[name]}({call.operand(one)}, {call.operand(two)})"

    return write


def compared(call: Call, symbol: str, function: str) -> str:
    """Which of two values is larger; TensorFlow says so of no truth values."""
    one, two = call["self"], call["other"]
    if all(isinstance(item, Value) and call.dtype(item) == "bool" for item in (one, two)):
        numbers = [f"ops.cast({call.operand(item)}, 'int32')" for item in (one, two)]
        return f"ops.{function}({', '.join(numbers)})"
    if isinstance(one, Value) and call.constant(one) is not None:
        return f"ops.{function}({call.operand(one)}, {call.operand(two)})"
    return f"{call.operand(one)} {symbol} {call.operand(two)}"


def signed(call: Call, symbol: str) -> str:
    """Two values with a sign between them, the second times ``alpha``."""
    one, two, alpha = call["self"], call["other"], call["alpha"]
    if symbol == "/" and call["rounding_mode"]:
        return divided(call, call["rounding_mode"])
    if alpha not in (None, 1):
        return f"{call.operand(one)} {symbol} {call.literal(alpha)} * {call.operand(two)}"
    if symbol in "+-" and is_negative(two):
        symbol, two = "-" if symbol == "+" else "+", -two
    if symbol == "+" and isinstance(one, Value) and isinstance(two, Value):
        return summed(call, one, two)
    return f"{call.operand(one)} {symbol} {call.operand(two)}"


def summed(call: Call, one: Value, two: Value) -> str:
    """Two values together. Keras on TensorFlow takes the second for a bias if it has one axis of more than one place,
    and adds it along the first's last axis, or its second, if that has as many places: whichever axis was meant."""
    shapes = [call.beside_result(value) for value in (one, two)]
    if not _may_be_taken_wrong(*shapes):
        return f"{call.operand(one)} + {call.operand(two)}"
    if not _may_be_taken_wrong(*reversed(shapes)):
        return f"{call.operand(two)} + {call.operand(one)}"
    return f"{call.operand(one)} - (-{call.operand(two)})"


def _may_be_taken_wrong(one: OpenShape, two: OpenShape) -> bool:
    """Whether the second of two operands is added along another axis than its own, for any batch or for one row."""
    at_one = (tuple(1 if length is None else length for length in shape) for shape in (one, two))
    return _taken_wrong(one, two) or _taken_wrong(*at_one)


def _taken_wrong(one: OpenShape, two: OpenShape) -> bool:
    """The same for lengths as they are known."""
    places = [place for place, length in enumerate(two) if length != 1]
    if len(places) != 1 or len(one) == 1:
        return False
    (place,), last = places, len(one) - 1
    if one[last] == two[place] is not None:
        return place != last
    if two[place] is None or None in (one[1], one[last]):
        return True
    return one[1] == two[place] and place != 1


for _name in (*SIGNS, *COMPARISONS, *OF_TWO):
    writes(_name)(_of_two(_name))


def divided(call: Call, rounding: str) -> str:
    """The first by the second, rounded down or towards zero."""
    one, two = call.operand(call["self"]), call.operand(call["other"])
    if rounding == "floor":
        return f"ops.floor_divide({one}, {two})"
    if is_float(call.out_dtype):
        return f"ops.trunc({one} / {two})"
    # of integers: a quotient of floats would not be exact
    quotient = call.let(f"ops.floor_divide(ops.abs({one}), ops.abs({two}))")
    return f"{quotient} * ops.sign({one}) * ops.sign({two})"


@writes("floor_divide")
def floor_divide(call: Call) -> str:
    """The first by the second, rounded down."""
    return divided(call, "floor")


@writes("true_divide", "divide")
def true_divide(call: Call) -> str:
    """The first by the second."""
    return signed(call, "/")


@writes("rsub")
def rsub(call: Call) -> str:
    """The second less the first."""
    one, two, alpha = call.operand(call["self"]), call.operand(call["other"]), call["alpha"]
    return f"{two} - {one}" if alpha in (None, 1) else f"{two} - {call.literal(alpha)} * {one}"


def _bits(word: str) -> Writer:
    def write(call: Call) -> str:
        kind = "logical" if call.step.dtypes[0] == "bool" else "bitwise"
        one, two = (
            call.operand(item) if isinstance(item, Value) else f"ops.convert_to_tensor({item!r}, {call.out_dtype!r})"
            for item in (call["self"], call["other"])
        )
        return f"ops.{kind}_{word}({one}, {two})"

    return write


for _name, _word in BITS.items():
    writes(_name)(_bits(_word))


@writes("bitwise_not")
def bitwise_not(call: Call) -> str:
    """Every bit, or truth value, turned."""
    return f"ops.{'logical' if call.out_dtype == 'bool' else 'bitwise'}_not({call.x()})"


@writes("lerp")
def lerp(call: Call) -> str:
    """Between two values, by a weight."""
    one, two, weight = (call.operand(call[key]) for key in ("self", "end", "weight"))
    return f"{one} + {weight} * ({two} - {one})"


@writes("addcmul", "addcdiv")
def added(call: Call) -> str:
    """A value and the product, or the quotient, of two others."""
    x, one, two = (call.operand(call[key]) for key in ("self", "tensor1", "tensor2"))
    factor = "" if call["value"] in (None, 1) else f"{call.literal(call['value'])} * "
    return f"{x} + {factor}{one} {'*' if call.step.operator == 'addcmul' else '/'} {two}"


@writes("xlogy", "special_xlogy")
def xlogy(call: Call) -> str:
    """The first times the logarithm of the second, zero where the first is."""
    one, two = (floated(call, call[key]) for key in ("self", "other"))
    product = call.let(f"{one} * ops.log({two})")
    return f"ops.where(ops.equal({one}, 0), ops.zeros_like({product}), {product})"


@writes("heaviside")
def heaviside(call: Call) -> str:
    """A step from zero to one, with a value of its own in between."""
    one, two = call.operand(call["self"]), call.operand(call["values"])
    return f"ops.where(ops.equal({one}, 0), {two}, ops.cast({one} > 0, {call.out_dtype!r}))"


@writes("copysign")
def copysign(call: Call) -> str:
    """The size of the first with the sign of the second."""
    one, two = call.operand(call["self"]), call["other"]
    if not isinstance(two, Value):
        return f"{'-' if is_negative(two) else ''}ops.abs({one})"
    return f"ops.where(ops.signbit({call.operand(two)}), -ops.abs({one}), ops.abs({one}))"


@writes("nan_to_num")
def nan_to_num(call: Call) -> str:
    """Numbers in place of what is none."""
    words = (f"{key}={call.literal(call[key])}" for key in ("nan", "posinf", "neginf") if call[key] is not None)
    return f"ops.nan_to_num({', '.join((call.x(), *words))})"


@writes("isclose")
def isclose(call: Call) -> str:
    """Whether two values are the same but for a little."""
    one, two = call.operand(call["self"]), call.operand(call["other"])
    words = f"rtol={call['rtol']!r}, atol={call['atol']!r}, equal_nan={call['equal_nan']!r}"
    return f"ops.isclose({one}, {two}, {words})"
