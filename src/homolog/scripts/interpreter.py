"""What a script calls and assigns: its own functions are read, layers and models are made live."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import libcst as cst

from homolog.scripts import arrays, classes, making
from homolog.scripts.classes import Class
from homolog.scripts.expressions import Expressions
from homolog.scripts.operations import BUILTINS, METHODS, applied
from homolog.scripts.script import code
from homolog.scripts.values import (
    Array,
    Function,
    Name,
    NotStatic,
    Scope,
    Unknown,
    holds_unknown,
    is_framework,
    is_live,
    is_model,
    refuse_untranslated,
)


class Interpreter(Expressions):
    """Values of expressions, calls and assignments of a script.

    Attributes:
        refused: what a method of the script's own classes was refused for last.
        cached: what calls give that were rewritten, and are not made here.
        on_compile, on_adapt, on_change: are told of a model that is compiled, a layer that takes the statistics of
            data, a model that came about or was changed.
    """

    def __init__(self) -> None:
        self.cached: Mapping[cst.CSTNode, Any] = {}
        self.refused: NotStatic | None = None
        self.on_compile: Callable[[Any, Sequence[Any], Mapping[str, Any], cst.Call], None] = lambda *_: None
        self.on_adapt: Callable[[Any, cst.Call], None] = lambda *_: None
        self.on_change: Callable[[Any], None] = lambda model: None

    # -- calls --------------------------------------------------------------------------------------------------

    def _call(self, node: cst.Call, scope: Scope) -> Any:
        if node in self.cached:
            return self.cached[node]
        if isinstance(node.func, cst.Attribute):
            above = classes.parent(node.func.value, scope)
            if above is not None:
                values, keywords, _ = self.arguments(node, scope)
                return making.called(getattr(above, node.func.attr.value), values, keywords, code(node.func))
            base = self.value(node.func.value, scope)
            held = is_live(base) and is_live(getattr(base, node.func.attr.value, None))
            if not (isinstance(base, Name) or held):
                return self._method(node, base, node.func.attr.value, scope)
        function = self.value(node.func, scope)
        values, keywords, nodes = self.arguments(node, scope)
        refuse_untranslated([function, *values, *keywords.values()])
        if isinstance(function, Function):
            return self.apply(function, values, keywords)
        if isinstance(function, Class):
            making.known(f"`{code(node)}`", values, keywords)
            made = making.called(function.made, [*map(self._callable, values)], keywords, code(node.func))
            self._touched(made)
            return made
        if isinstance(function, Name):
            return self._named(node, function, values, keywords, nodes)
        if is_live(function) or is_framework(function):
            making.known(f"`{code(node)}`", values, keywords)
            self._no_calls_of_others(function, node)
            return making.called(
                function, [*map(self._callable, values)], _each(self._callable, keywords), code(node.func)
            )
        if is_framework([*values, *keywords.values()]):
            raise NotStatic(f"`{code(node.func)}` is given something of Keras's, and is not known here")
        return Unknown()

    def _no_calls_of_others(self, function: Any, node: cst.Call) -> None:
        """Raises for live objects that are no layers, optimisers' schedules among them.

        Raises:
            NotStatic: it is one.
        """
        if not any(base.__name__ in ("Layer", "Operation") for base in type(function).__mro__):
            raise NotStatic(f"`{code(node)}` has no counterpart here")

    def _named(
        self,
        node: cst.Call,
        name: Name,
        values: list[Any],
        keywords: dict[str, Any],
        nodes: Mapping[Any, cst.BaseExpression],
    ) -> Any:
        """A call of a function or class by its dotted name."""
        if name.dotted.startswith("builtins."):
            if holds_unknown((*values, *keywords.values())):
                return Unknown()
            if is_framework([*values, *keywords.values()]) and name.dotted not in ("builtins.len", "builtins.list"):
                return self._builtin_over(name, values)
            return applied(BUILTINS[name.dotted.removeprefix("builtins.")], values, keywords)
        if name.framework and name.dotted.startswith(making.DESCRIBED):
            return making.made(name, values, keywords, nodes)
        if name.framework:
            values = [*map(self._callable, values)]
            result = making.made(name, values, _each(self._callable, keywords), nodes)
            self._touched(result)
            return result
        if is_framework([*values, *keywords.values()]):
            raise NotStatic(f"{name.dotted} is given something of Keras's")
        return arrays.call(name.dotted, values, keywords)

    def _builtin_over(self, name: Name, values: list[Any]) -> Any:
        """Builtins that only hand on what they are given."""
        last = name.dotted.removeprefix("builtins.")
        if last in ("enumerate", "zip", "reversed", "tuple", "range", "sum"):
            return applied(BUILTINS[last], values, {})
        raise NotStatic(f"{last} is given something of Keras's")

    def _method(self, node: cst.Call, base: Any, method: str, scope: Scope) -> Any:
        """A call of a method."""
        values, keywords, _ = self.arguments(node, scope)
        refuse_untranslated([base, *values, *keywords.values()])
        if is_model(base) and method == "compile":
            self.on_compile(base, values, keywords, node)
            return None
        if is_live(base) and method == "adapt":
            self.on_adapt(base, node)
            return None
        for kind, methods in METHODS.items():
            if isinstance(base, kind) and method in methods and not (kind is str and holds_unknown(values)):
                return applied(getattr(base, method), values, keywords)
        if is_live(base):
            if method not in making.METHODS and not classes.callable_on(base, method):
                raise NotStatic(f"`{code(node.func)}` has no counterpart here")
            making.known(f"`{code(node.func)}`", values, keywords)
            result = making.called(getattr(base, method), values, keywords, code(node.func))
            if method in making.CHANGING:
                self._touched(base)
            return result
        refuse_untranslated([base])
        if isinstance(base, Array):
            return arrays.method(base, method, values, keywords)
        if is_framework([base, *values, *keywords.values()]):
            raise NotStatic(f"`{code(node.func)}` has no counterpart here")
        return Unknown()

    def arguments(
        self, node: cst.Call, scope: Scope
    ) -> tuple[list[Any], dict[str, Any], dict[Any, cst.BaseExpression]]:
        """The values of a call's arguments by place and by keyword, and their expressions by either."""
        values: list[Any] = []
        keywords: dict[str, Any] = {}
        nodes: dict[Any, cst.BaseExpression] = {}
        for argument in node.args:
            found = self.value(argument.value, scope)
            if argument.star == "*":
                if not isinstance(found, list | tuple | range):
                    raise NotStatic(f"`*{code(argument.value)}` has a length that only running the script would tell")
                values.extend(found)
            elif argument.star == "**":
                if not isinstance(found, dict):
                    raise NotStatic(f"`**{code(argument.value)}` holds what only running the script would tell")
                keywords.update(found)
            elif argument.keyword is not None:
                keywords[argument.keyword.value] = found
                nodes[argument.keyword.value] = argument.value
            else:
                nodes[len(values)] = argument.value
                values.append(found)
        return values, keywords, nodes

    # -- functions of the script --------------------------------------------------------------------------------

    def _callable(self, value: Any) -> Any:
        """A function of the script as one that Keras can call on its tensors."""
        if isinstance(value, Function):
            return lambda *values, **keywords: self.apply(value, list(values), keywords)
        if isinstance(value, Name) and value.framework:
            return making.found(value.dotted)
        if isinstance(value, list | tuple):
            return type(value)(map(self._callable, value))
        return value

    def apply(self, function: Function, values: list[Any], keywords: dict[str, Any]) -> Any:
        """The result of a function of the script, by reading its statements.

        Raises:
            NotStatic: one of them is not known here.
        """
        from homolog.scripts.statements import Returned, run

        function.uses += 1
        scope = dict(function.scope)
        self._bind(function.node.params, values, keywords, scope)
        if isinstance(function.node, cst.Lambda):
            return self.value(function.node.body, scope)
        result = run(self, function.node.body, scope)
        return result.value if isinstance(result, Returned) else None

    def _bind(self, params: cst.Parameters, values: list[Any], keywords: dict[str, Any], scope: Scope) -> None:
        named = [*params.posonly_params, *params.params]
        left, rest = dict(keywords), values[len(named) :]
        for param, value in zip(named, values, strict=False):
            scope[param.name.value] = value
        for param in [*named[len(values) :], *params.kwonly_params]:
            name = param.name.value
            if name in left:
                scope[name] = left.pop(name)
            elif param.default is not None:
                scope[name] = self.value(param.default, scope)
            else:
                raise NotStatic(f"an argument {name} is missing")
        if isinstance(params.star_arg, cst.Param):
            scope[params.star_arg.name.value] = tuple(rest)
        elif rest:
            raise NotStatic("a function of the script is given too many arguments")
        if params.star_kwarg is not None:
            scope[params.star_kwarg.name.value] = left
        elif left:
            raise NotStatic(f"a function of the script is given {', '.join(left)}, which it does not take")

    # -- assignments --------------------------------------------------------------------------------------------

    def assign(self, target: cst.CSTNode, value: Any, scope: Scope) -> None:
        """Bind what a target names.

        Raises:
            NotStatic: an attribute or item of something of Keras's that is not read here.
        """
        if isinstance(target, cst.Name):
            scope[target.value] = value
        elif isinstance(target, cst.Tuple | cst.List):
            parts = self._parts(value, len(target.elements))
            for element, part in zip(target.elements, parts, strict=True):
                self.assign(element.value, part, scope)
        elif isinstance(target, cst.Attribute):
            self._set(self.value(target.value, scope), target, value)
        elif isinstance(target, cst.Subscript):
            base = self.value(target.value, scope)
            key = self.index(target.slice[0].slice, scope)
            if isinstance(base, list | dict) and isinstance(key, str | int):
                applied(operator.setitem, (base, key, value), {})
            elif is_framework([base, value]):
                raise NotStatic(f"`{code(target)}` is set in a way that is not read here")

    def _parts(self, value: Any, count: int) -> list[Any]:
        if isinstance(value, list | tuple):
            if len(value) != count:
                raise NotStatic(f"{len(value)} values are taken apart into {count}")
            return list(value)
        if is_framework(value):
            raise NotStatic("something of Keras's is taken apart")
        return [Unknown()] * count

    def _set(self, base: Any, target: cst.Attribute, value: Any) -> None:
        if classes.is_own(base):
            setattr(base, target.attr.value, self._callable(value))
        elif is_live(base):
            if target.attr.value != "trainable" or not isinstance(value, bool):
                raise NotStatic(f"`{code(target)}` is set, which has no counterpart here")
            base.trainable = value
        elif is_framework([base, value]):
            raise NotStatic(f"`{code(target)}` is set, which has no counterpart here")

    def _touched(self, value: Any) -> None:
        """Tells of models that came about or were changed."""
        if is_model(value):
            self.on_change(value)


def _each(function: Callable[[Any], Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: function(value) for key, value in values.items()}
