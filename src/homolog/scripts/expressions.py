"""Expressions of a script → their values, as far as literals tell them."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

from homolog.scripts import arrays, classes, making
from homolog.scripts.names import canonical
from homolog.scripts.operations import BUILTINS, COMPARISONS, MANY, OPERATORS, UNARY, applied
from homolog.scripts.script import code, names_read
from homolog.scripts.values import (
    Array,
    Fitted,
    Function,
    Made,
    Name,
    NotStatic,
    Pipeline,
    Scope,
    Unknown,
    Untranslated,
    holds_unknown,
    is_framework,
    is_live,
    is_plain,
    refuse_untranslated,
)


class Expressions(ABC):
    """Values of expressions; what is called and what is assigned is left to the interpreter."""

    @abstractmethod
    def assign(self, target: cst.CSTNode, value: Any, scope: Scope) -> None:
        """Bind what a target names."""

    def value(self, node: cst.CSTNode, scope: Scope) -> Any:
        """What an expression is; ``Unknown`` where only running it would tell.

        Raises:
            NotStatic: something of Keras is in it that cannot be made.
        """
        visit = getattr(self, f"_{type(node).__name__.lower()}", None)
        if visit is not None:
            return visit(node, scope)
        return self._outside(node, scope)

    def _outside(self, node: cst.CSTNode, scope: Scope) -> Any:
        """What is not read here: unknown, and refused where Keras is in it."""
        for name in names_read(node):
            if is_framework(scope.get(name)):
                raise NotStatic(f"`{code(node).strip()}` is no way of using Keras that is read here")
        return Unknown()

    def _name(self, node: cst.Name, scope: Scope) -> Any:
        if node.value in ("True", "False", "None"):
            return {"True": True, "False": False, "None": None}[node.value]
        if node.value in scope:
            return scope[node.value]
        return Name(f"builtins.{node.value}") if node.value in BUILTINS else Unknown()

    def _ellipsis(self, node: cst.Ellipsis, scope: Scope) -> Any:
        return ...

    def _integer(self, node: cst.Integer, scope: Scope) -> Any:
        return node.evaluated_value

    def _float(self, node: cst.Float, scope: Scope) -> Any:
        return node.evaluated_value

    def _simplestring(self, node: cst.SimpleString, scope: Scope) -> Any:
        return node.evaluated_value

    def _concatenatedstring(self, node: cst.ConcatenatedString, scope: Scope) -> Any:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        return left + right if isinstance(left, str) and isinstance(right, str) else Unknown()

    def _formattedstring(self, node: cst.FormattedString, scope: Scope) -> Any:
        text = ""
        for part in node.parts:
            if isinstance(part, cst.FormattedStringText):
                text += part.value
                continue
            assert isinstance(part, cst.FormattedStringExpression)
            found = self.value(part.expression, scope)
            if not isinstance(found, str | int | float | bool) or part.conversion or part.format_spec:
                return Unknown()
            text += str(found)
        return text

    def _tuple(self, node: cst.Tuple, scope: Scope) -> Any:
        return tuple(self._elements(node.elements, scope))

    def _list(self, node: cst.List, scope: Scope) -> Any:
        return self._elements(node.elements, scope)

    def _elements(self, elements: Sequence[cst.BaseElement], scope: Scope) -> list[Any]:
        found: list[Any] = []
        for element in elements:
            item = self.value(element.value, scope)
            if not isinstance(element, cst.StarredElement):
                found.append(item)
            elif isinstance(item, list | tuple | range):
                found.extend(item)
            else:
                raise NotStatic(f"`{code(element)}` has a length that only running the script would tell")
        return found

    def _dict(self, node: cst.Dict, scope: Scope) -> Any:
        found: dict[Any, Any] = {}
        for element in node.elements:
            item = self.value(element.value, scope)
            if isinstance(element, cst.DictElement):
                key = self.value(element.key, scope)
                found[key if isinstance(key, str | int | float | tuple) else code(element.key)] = item
            elif isinstance(item, dict):
                found.update(item)
            else:
                return self._outside(node, scope)
        return found

    def _unaryoperation(self, node: cst.UnaryOperation, scope: Scope) -> Any:
        return self._applied(node, UNARY.get(type(node.operator)), self.value(node.expression, scope))

    def _binaryoperation(self, node: cst.BinaryOperation, scope: Scope) -> Any:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        if isinstance(node.operator, cst.Power) and isinstance(right, int | float) and abs(right) > MANY:
            return Unknown()
        if isinstance(node.operator, cst.Multiply) and any(
            isinstance(one, str | list | tuple) and isinstance(many, int) and len(one) * many > MANY
            for one, many in ((left, right), (right, left))
        ):
            return Unknown()
        return self._applied(node, OPERATORS.get(type(node.operator)), left, right)

    def _applied(self, node: cst.CSTNode, function: Callable[..., Any] | None, *values: Any) -> Any:
        """An operator's result."""
        if any(map(is_live, values)):
            making.known(f"`{code(node)}`", values, {})
            if function is None:
                raise NotStatic(f"`{code(node)}` has no counterpart here")
            return making.called(function, values, {}, f"`{code(node)}`")
        if any(isinstance(value, Array) for value in values):
            return arrays.combined([value for value in values if isinstance(value, Array)], node)
        if function is None or any(isinstance(value, Unknown | Name | Untranslated) for value in values):
            return Unknown()
        return applied(function, values)

    def _booleanoperation(self, node: cst.BooleanOperation, scope: Scope) -> Any:
        left = self.value(node.left, scope)
        if not is_plain(left):
            return self._outside(node, scope)
        if bool(left) == isinstance(node.operator, cst.Or):
            return left
        return self.value(node.right, scope)

    def _comparison(self, node: cst.Comparison, scope: Scope) -> Any:
        left = self.value(node.left, scope)
        for target in node.comparisons:
            right = self.value(target.comparator, scope)
            holds = self._applied(node, COMPARISONS.get(type(target.operator)), left, right)
            if not isinstance(holds, bool) or not holds:
                return holds
            left = right
        return True

    def _ifexp(self, node: cst.IfExp, scope: Scope) -> Any:
        classes.refuse_training(node.test, names_read(node.test), scope)
        test = self.value(node.test, scope)
        if not is_plain(test):
            return self._outside(node, scope)
        return self.value(node.body if test else node.orelse, scope)

    def _lambda(self, node: cst.Lambda, scope: Scope) -> Any:
        return Function(node, scope, not any(is_framework(scope.get(name)) for name in names_read(node)))

    def _listcomp(self, node: cst.ListComp, scope: Scope) -> Any:
        found: list[Any] = []
        if not self._comprehended(node.for_in, dict(scope), lambda inner: found.append(self.value(node.elt, inner))):
            return self._outside(node, scope)
        return found

    def _generatorexp(self, node: cst.GeneratorExp, scope: Scope) -> Any:
        found: list[Any] = []
        if not self._comprehended(node.for_in, dict(scope), lambda inner: found.append(self.value(node.elt, inner))):
            return self._outside(node, scope)
        return found

    def _comprehended(self, loop: cst.CompFor, scope: Scope, each: Callable[[Scope], object]) -> bool:
        """Runs a comprehension; False if its length is not known."""
        items = self.items(loop.iter, scope)
        if items is None:
            return False
        for item in items:
            self.assign(loop.target, item, scope)
            tests = [self.value(test.test, scope) for test in loop.ifs]
            if not all(map(is_plain, tests)):
                return False
            if not all(tests):
                continue
            if loop.inner_for_in is None:
                each(scope)
            elif not self._comprehended(loop.inner_for_in, scope, each):
                return False
        return True

    def items(self, node: cst.CSTNode, scope: Scope) -> list[Any] | None:
        """What a loop goes over, None if it is not known.

        Raises:
            NotStatic: it is endless as far as a model goes.
        """
        found = self.value(node, scope)
        if isinstance(found, range | list | tuple | dict | str | zip | enumerate) or type(found).__name__ in (
            *("reversed", "list_reverseiterator", "range_iterator", "dict_items", "dict_keys", "dict_values"),
        ):
            if isinstance(found, range) and len(found) > MANY:
                return None
            return list(found)
        return None

    # -- attributes and items -----------------------------------------------------------------------------------

    def _attribute(self, node: cst.Attribute, scope: Scope) -> Any:
        base, name = self.value(node.value, scope), node.attr.value
        if isinstance(base, Name):
            return canonical(f"{base.dotted}.{name}")
        if isinstance(base, Array):
            return arrays.attribute(base, name)
        refuse_untranslated([base])
        if is_live(base):
            if name.startswith("_") or not hasattr(base, name):
                raise NotStatic(f"`{code(node)}` is not there")
            found = getattr(base, name)
            if callable(found) and not is_live(found):
                raise NotStatic(f"`{code(node)}` is no call that is read here")
            return found
        if isinstance(base, Fitted) and name == "history":
            return Unknown()
        if isinstance(base, Fitted | Made | Pipeline):
            raise NotStatic(f"`{code(node)}` has no counterpart here")
        return Unknown()

    def _subscript(self, node: cst.Subscript, scope: Scope) -> Any:
        base = self.value(node.value, scope)
        keys = tuple(self.index(item.slice, scope) for item in node.slice)
        key = keys[0] if len(keys) == 1 else keys
        if isinstance(base, Array):
            return arrays.item(base, keys)
        if is_live(base):
            return self._applied(node, operator.getitem, base, key)
        refuse_untranslated([base])
        if holds_unknown(key) or isinstance(base, Unknown | Name):
            return Unknown()
        return self._applied(node, operator.getitem, base, key)

    def index(self, node: cst.BaseSlice, scope: Scope) -> Any:
        """An index or a slice between brackets."""
        if isinstance(node, cst.Index):
            return self.value(node.value, scope)
        assert isinstance(node, cst.Slice)
        ends = [None if end is None else self.value(end, scope) for end in (node.lower, node.upper, node.step)]
        return slice(*ends)
