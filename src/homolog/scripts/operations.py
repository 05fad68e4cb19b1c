"""Python's own operators, builtins and methods, as far as scripts are read with them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import libcst as cst

from homolog.scripts.values import Unknown

OPERATORS: Mapping[type[cst.CSTNode], Callable[[Any, Any], Any]] = {
    cst.Add: operator.add,
    cst.Subtract: operator.sub,
    cst.Multiply: operator.mul,
    cst.Divide: operator.truediv,
    cst.FloorDivide: operator.floordiv,
    cst.Modulo: operator.mod,
    cst.Power: operator.pow,
    cst.MatrixMultiply: operator.matmul,
}
COMPARISONS: Mapping[type[cst.CSTNode], Callable[[Any, Any], Any]] = {
    cst.Equal: operator.eq,
    cst.NotEqual: operator.ne,
    cst.LessThan: operator.lt,
    cst.LessThanEqual: operator.le,
    cst.GreaterThan: operator.gt,
    cst.GreaterThanEqual: operator.ge,
    cst.Is: operator.is_,
    cst.IsNot: operator.is_not,
    cst.In: lambda one, many: one in many,
    cst.NotIn: lambda one, many: one not in many,
}
UNARY: Mapping[type[cst.CSTNode], Callable[[Any], Any]] = {
    cst.Minus: operator.neg,
    cst.Plus: operator.pos,
    cst.Not: operator.not_,
}
BUILTINS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (range, len, int, float, str, bool, max, min, sum, abs, round, list, tuple, dict, set)
} | {function.__name__: function for function in (enumerate, zip, reversed, sorted, isinstance)}
METHODS = {
    list: {"append", "extend", "insert", "pop", "index", "copy"},
    tuple: {"index", "count"},
    dict: {"items", "keys", "values", "get", "update", "copy"},
    str: {"format", "join", "lower", "upper", "strip", "split", "replace", "startswith", "endswith"},
}
MANY = 100_000
"""Items that a list may grow to, steps of a loop, and the largest exponent: scripts that build models need fewer."""


def applied(function: Callable[..., Any], values: Sequence[Any], keywords: Mapping[str, Any] | None = None) -> Any:
    """What a function gives; ``Unknown`` where the script itself would raise."""
    try:
        return function(*values, **(keywords or {}))
    except (TypeError, ValueError, ArithmeticError, KeyError, IndexError):
        return Unknown()
