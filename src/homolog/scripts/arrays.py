"""What NumPy does to the shapes of arrays whose values are not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import libcst as cst

from homolog.scripts.values import Array, Name, Unknown

KEEP = {
    *("copy", "clip", "round", "abs", "sqrt", "exp", "log", "log1p", "square", "sin", "cos", "tanh", "minimum"),
    *("maximum", "nan_to_num", "ascontiguousarray", "array", "asarray", "divide", "multiply", "add", "subtract"),
}
NEW = {"zeros": 0, "ones": 0, "empty": 0, "full": 0}
JOINED = {"concatenate", "vstack", "append"}
REDUCED = {"mean", "sum", "std", "var", "max", "min", "argmax", "argmin", "any", "all", "median"}
GENERATORS = {"random.RandomState", "random.default_rng"}
DRAWN = {
    *("random", "random_sample", "standard_normal", "normal", "uniform", "randint", "integers", "binomial", "poisson"),
    *("beta", "gamma", "exponential", "laplace", "lognormal"),
}
"""Functions whose third argument, or first, is the shape of what they draw."""
NEW_AXIS = Name("numpy.newaxis")
KINDS = {"f": "float", "i": "int", "u": "int", "b": "int"}


def kind_of(dtype: Any) -> str | None:
    """``float`` or ``int`` of an element type, however it is named."""
    text = dtype if isinstance(dtype, str) else getattr(dtype, "dotted", "").rpartition(".")[2]
    return KINDS.get(text[:1])


def attribute(array: Array, name: str) -> Any:
    """``shape``, ``ndim``, ``T``; lengths that are not known are unknown."""
    if name == "shape":
        return Unknown() if array.shape is None else tuple(Unknown() if n is None else n for n in array.shape)
    if name == "ndim" and array.shape is not None:
        return len(array.shape)
    if name == "T" and array.shape is not None:
        return Array(array.shape[::-1], array.kind)
    return Unknown()


def combined(arrays: Sequence[Array], node: cst.CSTNode) -> Array:
    """The result of an operator over arrays, and numbers."""
    divides = isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Divide)
    kind = "float" if divides or any(array.kind == "float" for array in arrays) else None
    if kind is None and all(array.kind == "int" for array in arrays) and isinstance(node, cst.Comparison):
        kind = "int"
    if any(array.shape is None for array in arrays):
        return Array(None, kind)
    longest = max(arrays, key=lambda array: array.rank or 0)
    return Array(longest.shape, kind)


def item(array: Array, keys: Sequence[Any]) -> Any:
    """An array under an index."""
    if array.shape is None or any(isinstance(key, Array | list) for key in keys[1:]):
        return Array(None, array.kind)
    shape: list[int | None] = []
    rest = list(array.shape)
    for place, key in enumerate(keys):
        if key is None or key == NEW_AXIS:
            shape.append(1)
        elif key is Ellipsis or isinstance(key, Unknown):
            if key is not Ellipsis and len(keys) > 1:
                return Array(None, array.kind)
            if isinstance(key, Unknown):
                return Array(None, array.kind)
            after = sum(other is not None and other != NEW_AXIS for other in keys[place + 1 :])
            shape += rest[: len(rest) - after]
            rest = rest[len(rest) - after :]
        elif not rest:
            return Unknown()
        elif isinstance(key, slice):
            shape.append(_length(rest.pop(0), key))
        elif isinstance(key, Array | list):
            rest.pop(0)
            shape.append(None)
        else:
            rest.pop(0)
    found = (*shape, *rest)
    return Array(found, array.kind) if found else Unknown()


def _length(length: int | None, key: slice) -> int | None:
    ends = (key.start, key.stop, key.step)
    if ends == (None, None, None):
        return length
    if length is None or not all(end is None or isinstance(end, int) for end in ends):
        return None
    return len(range(*key.indices(length)))


def method(array: Array, name: str, values: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """A method of an array."""
    if name == "astype":
        return Array(array.shape, kind_of(values[0] if values else keywords.get("dtype")))
    if name == "reshape":
        shape = values[0] if len(values) == 1 and isinstance(values[0], tuple | list) else tuple(values)
        return _reshaped(array, shape)
    if name in ("flatten", "ravel"):
        return _reshaped(array, (-1,))
    if name == "transpose":
        axes = values[0] if len(values) == 1 and isinstance(values[0], tuple | list) else tuple(values)
        return _transposed(array, axes)
    if name in REDUCED:
        return _reduced(array, values[0] if values else keywords.get("axis"), keywords)
    if name in KEEP:
        return array
    return Unknown()


def call(name: str, values: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """A function by its dotted name; whatever is not known gives what is not known."""
    package, _, last = name.partition(".")
    if package != "numpy":
        return Unknown()
    first = values[0] if values else None
    kind = kind_of(keywords.get("dtype")) or (first.kind if isinstance(first, Array) else None)
    if last in NEW:
        return _filled(first, kind or "float")
    if last in GENERATORS:
        return Name("numpy.random")  # its methods go by the names of the module's functions
    if last.startswith("random."):
        return _random(last.removeprefix("random."), values, keywords)
    if last == "arange":
        return Array((None,), kind)
    if last == "linspace":
        return Array((None,), "float")
    if last in JOINED or last == "stack":
        return _joined(last, first, keywords)
    if not isinstance(first, Array):
        return Array(None, kind) if last in KEEP else Unknown()
    if last == "expand_dims":
        return _expanded(first, values[1] if len(values) > 1 else keywords.get("axis"))
    if last in ("reshape", "transpose", "squeeze"):
        return method(first, last, values[1:], keywords) if last != "squeeze" else Array(None, kind)
    if last in REDUCED:
        return _reduced(first, values[1] if len(values) > 1 else keywords.get("axis"), keywords)
    return Array(first.shape, kind) if last in KEEP else Unknown()


def _filled(shape: Any, kind: str) -> Array:
    lengths = shape if isinstance(shape, tuple | list) else (shape,)
    return Array(tuple(n if isinstance(n, int) else None for n in lengths), kind)


def _random(name: str, values: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    if name in ("rand", "randn"):
        return _filled(tuple(values), "float")
    if name == "permutation" and values and isinstance(values[0], Array):
        return values[0]
    size = keywords.get("size", values[2] if len(values) > 2 else None)
    if name in ("random", "random_sample", "standard_normal"):
        size = values[0] if values else size
    if size is None or isinstance(size, Unknown) or name not in DRAWN:
        return Unknown()
    return _filled(size, "int" if name in ("randint", "integers") else "float")


def _joined(name: str, parts: Any, keywords: Mapping[str, Any]) -> Any:
    if not isinstance(parts, list | tuple) or not all(isinstance(part, Array) for part in parts) or not parts:
        return Unknown()
    first, axis = parts[0], keywords.get("axis", 0)
    if first.shape is None or not isinstance(axis, int):
        return Array(None, first.kind)
    if name == "stack":
        return _expanded(Array(first.shape, first.kind), axis, len(parts))
    shape: list[int | None] = list(first.shape)
    lengths = [length for part in parts if part.shape is not None and (length := part.shape[axis]) is not None]
    shape[axis] = sum(lengths) if len(lengths) == len(parts) else None
    return Array(tuple(shape), first.kind)


def _expanded(array: Array, axis: Any, length: int = 1) -> Array:
    if array.shape is None or not isinstance(axis, int):
        return Array(None, array.kind)
    shape: list[int | None] = list(array.shape)
    shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, length)
    return Array(tuple(shape), array.kind)


def _reshaped(array: Array, shape: Any) -> Array:
    if not isinstance(shape, tuple | list):
        shape = (shape,)
    lengths = [n if isinstance(n, int) else None for n in shape]
    if -1 in lengths:
        known = [n for n in lengths if n is not None and n != -1]
        whole = array.shape is not None and None not in array.shape and None not in lengths
        open_one = prod(n for n in array.shape if n is not None) // prod(known) if whole and array.shape else None
        lengths = [open_one if n == -1 else n for n in lengths]
    return Array(tuple(lengths), array.kind)


def _transposed(array: Array, axes: Sequence[Any]) -> Array:
    if array.shape is None or not all(isinstance(axis, int) for axis in axes):
        return Array(None, array.kind)
    order = axes or range(len(array.shape))[::-1]
    return Array(tuple(array.shape[axis] for axis in order), array.kind)


def _reduced(array: Array, axis: Any, keywords: Mapping[str, Any]) -> Any:
    if array.shape is None or keywords.get("keepdims"):
        return Array(None, array.kind)
    if axis is None:
        return Unknown()
    axes = axis if isinstance(axis, tuple) else (axis,)
    if not all(isinstance(one, int) for one in axes):
        return Array(None, "float")
    gone = {one % len(array.shape) for one in axes}
    shape = tuple(length for place, length in enumerate(array.shape) if place not in gone)
    return Array(shape, "float") if shape else Unknown()
