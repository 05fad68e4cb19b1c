"""Products of matrices and vectors."""

from __future__ import annotations

from string import ascii_lowercase

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.registry import writes


@writes("matmul", "mm", "mv", "bmm", "dot")
def product(call: Call) -> str:
    """Of matrices, of many at once, of vectors."""
    names = ("self", *(name for name in ("other", "mat2", "vec", "tensor") if call.has(name)))
    one, two = (call.plain(name) for name in names)
    return f"ops.matmul({one}, {two})"


@writes("addmm", "addmv", "baddbmm")
def added(call: Call) -> str:
    """A product, and a summand that is as large or broadcasts."""
    names = {"addmm": ("mat1", "mat2"), "addmv": ("mat", "vec"), "baddbmm": ("batch1", "batch2")}
    one, two = (call.plain(name) for name in names[call.step.operator])
    found = f"ops.matmul({one}, {two})"
    if call["beta"] == 0:  # what stands in the summand is then not looked at
        return times(call, call["alpha"], found)
    summand = times(call, call["beta"], call.plain("self"))
    return f"{summand} + {times(call, call['alpha'], found)}"


def times(call: Call, factor: object, expression: str) -> str:
    """An expression times a number, if that is not one."""
    return expression if factor in (None, 1) else f"{call.literal(factor)} * {expression}"


@writes("outer", "ger")
def outer(call: Call) -> str:
    """Each number of one vector times each of another."""
    other = "vec2" if call.has("vec2") else "other"
    return f"ops.outer({call.plain('self')}, {call.plain(other)})"


@writes("einsum")
def einsum(call: Call) -> str:
    """A product that is told by the names of axes."""
    equation = _small(call, str(call["equation"]).replace(" ", ""))
    given = call.tensors("tensors")
    terms = equation.partition("->")[0].split(",")
    letters = {term[0] for value, term in zip(given, terms, strict=True) if term and _has_rows(call, value)}
    names = [_with_rows(call, value, term, letters) for value, term in zip(given, terms, strict=True)]
    return f"ops.einsum({equation!r}, {', '.join(names)})"


def _small(call: Call, equation: str) -> str:
    """The same in small letters: Keras takes no others where it computes shapes alone."""
    free = iter(sorted(set(ascii_lowercase) - set(equation)))
    names = {letter: next(free, "") for letter in dict.fromkeys(equation) if letter.isupper()}
    if "" in names.values():
        raise call.refusal(f"equation={equation!r}: more axes than there are small letters")
    return "".join(names.get(letter, letter) for letter in equation)


def _has_rows(call: Call, value: Value) -> bool:
    return call.shape(value)[:1] == (None,)


def _with_rows(call: Call, value: Value, term: str, letters: set[str]) -> str:
    """An operand; with a row for each of the batch, where the name of this axis stands for more than one elsewhere."""
    text = call.plain(value)
    if not call.is_static(value) or term[:1] not in letters:
        return text
    return call.let(f"{call.assembler.zeros(value, call.step)} + {text}")


@writes("cross", "linalg_cross")
def cross(call: Call) -> str:
    """The vector that stands upright on two others."""
    dim = call["dim"]
    if dim is None:
        dim = next(axis for axis, length in enumerate(call.shape("self")) if length == 3)
    return f"ops.cross({call.plain('self')}, {call.plain('other')}, axis={dim})"
