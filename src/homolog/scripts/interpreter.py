"""Expressions of a script → their values, as far as literals tell them; layers and models are made live."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import libcst as cst

from homolog.scripts import arrays, classes, making
from homolog.scripts.classes import Class
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
    is_framework,
    is_live,
    is_model,
)

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


class Interpreter:
    """Values of expressions.

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

    # -- expressions --------------------------------------------------------------------------------------------

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
        try:
            return function(*values)
        except (TypeError, ValueError, ArithmeticError, KeyError, IndexError):
            return Unknown()  # the script itself would raise

    def _booleanoperation(self, node: cst.BooleanOperation, scope: Scope) -> Any:
        left = self.value(node.left, scope)
        if not _plain(left):
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
        if not _plain(test):
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
            if not all(map(_plain, tests)):
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
        keys = tuple(self._index(item.slice, scope) for item in node.slice)
        key = keys[0] if len(keys) == 1 else keys
        if isinstance(base, Array):
            return arrays.item(base, keys)
        if is_live(base):
            return self._applied(node, operator.getitem, base, key)
        refuse_untranslated([base])
        if _holds_unknown(key) or isinstance(base, Unknown | Name):
            return Unknown()
        return self._applied(node, operator.getitem, base, key)

    def _index(self, node: cst.BaseSlice, scope: Scope) -> Any:
        if isinstance(node, cst.Index):
            return self.value(node.value, scope)
        assert isinstance(node, cst.Slice)
        ends = [None if end is None else self.value(end, scope) for end in (node.lower, node.upper, node.step)]
        return slice(*ends)

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
            if _holds_unknown((*values, *keywords.values())):
                return Unknown()
            if is_framework([*values, *keywords.values()]) and name.dotted not in ("builtins.len", "builtins.list"):
                return self._builtin_over(name, values)
            return self._applied_call(BUILTINS[name.dotted.removeprefix("builtins.")], values, keywords)
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
            return self._applied_call(BUILTINS[last], values, {})
        raise NotStatic(f"{last} is given something of Keras's")

    def _applied_call(self, function: Callable[..., Any], values: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        try:
            return function(*values, **keywords)
        except (TypeError, ValueError, ArithmeticError, KeyError, IndexError):
            return Unknown()

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
            if isinstance(base, kind) and method in methods and not (kind is str and _holds_unknown(values)):
                return self._applied_call(getattr(base, method), values, keywords)
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
            key = self._index(target.slice[0].slice, scope)
            if isinstance(base, list | dict) and isinstance(key, str | int):
                self._applied_call(operator.setitem, (base, key, value), {})
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


def canonical(name: str) -> Name:
    """A dotted name, Keras's always below ``keras``."""
    for prefix in ("tensorflow.", "tf."):
        if name.startswith(f"{prefix}keras"):
            return canonical(name.removeprefix(prefix))
    for prefix, instead in CANONICAL:
        if name == prefix or name.startswith(f"{prefix}."):
            return Name(instead + name.removeprefix(prefix))
    return Name(name)


CANONICAL = (
    ("tensorflow", "tf"),
    ("keras.models.Sequential", "keras.Sequential"),
    ("keras.models.Model", "keras.Model"),
    ("keras.layers.Input", "keras.Input"),
    ("keras.preprocessing.sequence.pad_sequences", "keras.utils.pad_sequences"),
    ("keras.preprocessing.image_dataset_from_directory", "keras.utils.image_dataset_from_directory"),
    ("keras.saving.load_model", "keras.models.load_model"),
    ("keras.backend.clear_session", "keras.utils.clear_session"),
)


def refuse_untranslated(values: Sequence[Any]) -> None:
    """Raises for what an earlier statement would have given that was not translated.

    Raises:
        NotStatic: there is such a value.
    """
    for value in values:
        if isinstance(value, list | tuple):
            refuse_untranslated(value)
        if isinstance(value, Untranslated):
            raise NotStatic(f"it needs {value.what}, which was not translated")


def _plain(value: Any) -> bool:
    return not isinstance(value, Unknown | Array | Name | Untranslated | Made | Pipeline) and not is_live(value)


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_unknown, value))
    if isinstance(value, slice):
        return any(map(_holds_unknown, (value.start, value.stop, value.step)))
    return isinstance(value, Unknown | Array | Untranslated)


def _each(function: Callable[[Any], Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: function(value) for key, value in values.items()}
