"""Statements of a script, run over values: assignments, loops of known length, decisions that are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import libcst as cst

from homolog.scripts import classes
from homolog.scripts.script import body_of, bound, code, names_read
from homolog.scripts.values import Function, NotStatic, Scope, Unknown, is_framework

if TYPE_CHECKING:
    from homolog.scripts.interpreter import Interpreter

AUGMENTED: Mapping[type[cst.CSTNode], type[cst.BaseBinaryOp]] = {
    cst.AddAssign: cst.Add,
    cst.SubtractAssign: cst.Subtract,
    cst.MultiplyAssign: cst.Multiply,
    cst.DivideAssign: cst.Divide,
    cst.FloorDivideAssign: cst.FloorDivide,
}


@dataclass(frozen=True)
class Returned:
    """A ``return`` was met."""

    value: Any


@dataclass(frozen=True)
class Jumped:
    """A ``break`` or ``continue`` was met."""

    breaks: bool


def run(interpreter: Interpreter, suite: cst.CSTNode, scope: Scope) -> Returned | Jumped | None:
    """Run the statements of a suite.

    Raises:
        NotStatic: one of them has to do with Keras and is not known here.
    """
    for statement in body_of(suite):
        parts = statement.body if isinstance(statement, cst.SimpleStatementLine) else [statement]
        for part in parts:
            result = step(interpreter, part, scope)
            if result is not None:
                return result
    return None


def step(interpreter: Interpreter, node: cst.CSTNode, scope: Scope) -> Returned | Jumped | None:
    """Run one statement.

    Raises:
        NotStatic: it has to do with Keras and is not known here.
    """
    if isinstance(node, cst.Return):
        return Returned(None if node.value is None else interpreter.value(node.value, scope))
    if isinstance(node, cst.Break | cst.Continue):
        return Jumped(isinstance(node, cst.Break))
    if isinstance(node, cst.If):
        return _decide(interpreter, node, scope)
    if isinstance(node, cst.For):
        return _loop(interpreter, node, scope)
    if isinstance(node, cst.Expr):
        interpreter.value(node.value, scope)
    elif isinstance(node, cst.Assign):
        value = interpreter.value(node.value, scope)
        for target in node.targets:
            interpreter.assign(target.target, value, scope)
    elif isinstance(node, cst.AnnAssign):
        if node.value is not None:
            interpreter.assign(node.target, interpreter.value(node.value, scope), scope)
    elif isinstance(node, cst.AugAssign):
        _augment(interpreter, node, scope)
    elif isinstance(node, cst.FunctionDef):
        free = not any(is_framework(scope.get(name)) for name in names_read(node))
        scope[node.name.value] = Function(node, scope, free)
    elif not isinstance(node, cst.Pass | cst.Assert | cst.Global | cst.Nonlocal | cst.Raise):
        _outside(node, scope)
    return None


def _augment(interpreter: Interpreter, node: cst.AugAssign, scope: Scope) -> None:
    operator = AUGMENTED.get(type(node.operator))
    if operator is None or not isinstance(node.target, cst.Name):
        _outside(node, scope)
        return
    joined = cst.BinaryOperation(left=node.target, operator=operator(), right=node.value)
    scope[node.target.value] = interpreter.value(joined, scope)


def _decide(interpreter: Interpreter, node: cst.If, scope: Scope) -> Returned | Jumped | None:
    classes.refuse_training(node.test, names_read(node.test), scope)
    test = interpreter.value(node.test, scope)
    if not isinstance(test, bool | int | float | str | list | tuple | dict | None):
        _outside(node, scope)
        return None
    if test:
        return run(interpreter, node.body, scope)
    if isinstance(node.orelse, cst.If):
        return _decide(interpreter, node.orelse, scope)
    return None if node.orelse is None else run(interpreter, node.orelse.body, scope)


def _loop(interpreter: Interpreter, node: cst.For, scope: Scope) -> Returned | Jumped | None:
    items = interpreter.items(node.iter, scope)
    if items is None:
        _outside(node, scope)
        return None
    for item in items:
        interpreter.assign(node.target, item, scope)
        result = run(interpreter, node.body, scope)
        if isinstance(result, Returned):
            return result
        if isinstance(result, Jumped) and result.breaks:
            return None
    return None if node.orelse is None else run(interpreter, node.orelse.body, scope)


def _outside(node: cst.CSTNode, scope: Scope) -> None:
    """A statement that is not run: what it binds is unknown.

    Raises:
        NotStatic: it has to do with Keras.
    """
    for name in sorted(names_read(node)):
        if is_framework(scope.get(name)):
            first = code(node).strip().splitlines()[0]
            raise NotStatic(f"`{first}` has to do with {name}, and is no statement that is read here")
    for name in bound(node):
        scope[name] = Unknown()
