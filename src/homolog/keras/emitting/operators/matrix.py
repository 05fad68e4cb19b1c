"""Products of matrices and vectors."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
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
    left, arrow, right = equation.partition("->")
    right = right if arrow else _told_by(left)
    given = list(zip(call.tensors("tensors"), left.split(","), strict=True))
    lengths: dict[str, set[int | None]] = {}
    for value, term in given:
        for letter, place in _places(term, call.rank(value)).items():
            lengths.setdefault(letter, set()).add(call.shape(value)[place])
    parts = [_without_ones(call, value, term, lengths) for value, term in given]
    equation = f"{','.join(term for _, term in parts)}->{right}"
    return f"ops.einsum({equation!r}, {', '.join(name for name, _ in parts)})"


def _told_by(left: str) -> str:
    """The letters of a result that is not told: those that stand once, in the order of the alphabet."""
    letters = sorted(letter for letter in set(left) - set(",.") if left.count(letter) == 1)
    return f"{'...' if '...' in left else ''}{''.join(letters)}"


def _places(term: str, rank: int) -> dict[str, int]:
    """Which axis each letter of a term names; dots stand for those that are left."""
    first, dots, last = term.partition("...")
    return {letter: place for place, letter in enumerate(first)} | {
        letter: rank - len(last) + place for place, letter in enumerate(last) if dots
    }


def _without_ones(call: Call, value: Value, term: str, lengths: Mapping[str, set[int | None]]) -> tuple[str, str]:
    """An operand and its letters, without axes of one place whose letter stands for more places elsewhere: PyTorch
    lets them broadcast, Keras does not."""
    text, places = call.plain(value), _places(term, call.rank(value))
    ones = {
        letter: place
        for letter, place in places.items()
        if call.shape(value)[place] == 1 != max(lengths[letter], key=_many)
    }
    if not ones:
        return text, term
    text = call.let(f"ops.squeeze({text}, axis={tuple(ones.values())!r})")
    return text, "".join(letter for letter in term if letter not in ones)


def _many(length: int | None) -> float:
    """A length as a number: what is open is taken for many."""
    return inf if length is None else length


def _small(call: Call, equation: str) -> str:
    """The same in small letters: Keras takes no others where it computes shapes alone."""
    free = iter(sorted(set(ascii_lowercase) - set(equation)))
    names = {letter: next(free, "") for letter in dict.fromkeys(equation) if letter.isupper()}
    if "" in names.values():
        raise call.refusal(f"equation={equation!r}: more axes than there are small letters")
    return "".join(names.get(letter, letter) for letter in equation)


@writes("bilinear")
def bilinear(call: Call) -> str:
    """For each output a matrix between two vectors."""
    one, two, weight, bias = (_held(call, name) for name in ("input1", "input2", "weight", "bias"))
    product = f"ops.einsum('...i,oij,...j->...o', {one}, {weight}, {two})"
    return f"{call.let(product)} + {bias}" if bias else product


def _held(call: Call, name: str) -> str:
    """An operand, a tensor of the step's own layer too; empty where there is none."""
    weights = {} if call.step.layer is None else call.step.layer.weights
    if name in weights:
        return call.assembler.loose(weights[name].tensors[0], call.step)
    return call.plain(name) if call.has(name) else ""


@writes("cross", "linalg_cross")
def cross(call: Call) -> str:
    """The vector that stands upright on two others."""
    dim = call["dim"]
    if dim is None:
        dim = next(axis for axis, length in enumerate(call.shape("self")) if length == 3)
    return f"ops.cross({call.plain('self')}, {call.plain('other')}, axis={dim})"
