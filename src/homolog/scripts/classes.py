"""Layers and models that a script defines as classes of its own: made live, their methods read as they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import libcst as cst

from homolog.scripts import making
from homolog.scripts.script import body_of, code, docstring
from homolog.scripts.values import Function, Name, NotStatic, Scope

if TYPE_CHECKING:
    from homolog.scripts.interpreter import Interpreter

SELF, CLASS = "__self__", "__class__"
"""What methods know besides the names around them, as in Python."""
BASES = ("keras.Model", "keras.layers.Layer", "keras.Layer")
TRAINING = {
    *("train_step", "test_step", "predict_step", "compile", "fit", "evaluate", "compute_loss", "compute_metrics"),
    *("compute_own_loss", "metrics", "train_on_batch"),
}
INHERITED = {"add_weight"}
"""Methods of Keras's own that a method of the script may call on its object."""
READ, DEFAULTS, METHOD = "__homolog_read__", "__homolog_defaults__", "__homolog_method__"
"""Names that no parameter of a script has."""
REGISTERED = ("keras.saving.register_keras_serializable", "keras.utils.register_keras_serializable")


@dataclass(eq=False)
class Class:
    """A class of the script.

    Attributes:
        node: its syntax.
        made: the live class.
        left: its source as a comment, where something that needs it was not translated.
    """

    node: cst.ClassDef
    made: Any
    left: str = ""


def read(interpreter: Interpreter, node: cst.ClassDef, scope: Scope) -> Class:
    """The class that a definition makes.

    Raises:
        NotStatic: it trains in a way of its own, or is derived from something else than a layer or a model.
    """
    name = node.name.value
    bases = [interpreter.value(base.value, scope) for base in node.bases]
    if len(bases) != 1 or not isinstance(bases[0], Name) or bases[0].dotted not in BASES:
        raise NotStatic(f"the class {name} is made of Keras's; write it as an nn.Module")
    for decorator in node.decorators:
        called = decorator.decorator.func if isinstance(decorator.decorator, cst.Call) else decorator.decorator
        found = interpreter.value(called, scope)
        if not isinstance(found, Name) or found.dotted not in REGISTERED:
            raise NotStatic(f"the class {name} is decorated with `{code(decorator.decorator)}`")
    members: dict[str, Any] = {}
    own: list[type] = []
    statements = body_of(node.body)
    for statement in statements[1 if docstring(statements) else 0 :]:
        if not isinstance(statement, cst.FunctionDef):
            raise NotStatic(f"the class {name} holds `{code(statement).strip().splitlines()[0]}`")
        if statement.name.value in TRAINING:
            raise NotStatic(f"the class {name} has a {statement.name.value} of its own; write the loop of train so")
        if statement.decorators:
            raise NotStatic(f"the method {statement.name.value} of {name} is decorated")
        members[statement.name.value] = _method(interpreter, statement, scope, own)
    made = type(name, (making.found(bases[0].dotted),), members)
    own.append(made)
    return Class(node, made)


def _method(interpreter: Interpreter, node: cst.FunctionDef, scope: Scope, own: list[type]) -> Callable[..., Any]:
    """A method that reads its statements when it is called."""

    def read(values: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        function = Function(node, {**scope, SELF: values[0], CLASS: own[0]}, free=False)
        try:
            return interpreter.apply(function, list(values), dict(keywords))
        except NotStatic as error:
            interpreter.refused = error  # Keras says something else in its place
            raise

    method = _of_signature(interpreter, node, scope, read)
    vars(method)["read_from_script"] = True
    return method


def _of_signature(
    interpreter: Interpreter, node: cst.FunctionDef, scope: Scope, read: Callable[..., Any]
) -> Callable[..., Any]:
    """A function with the parameters of a definition that hands all it is given on.

    Keras asks a method for its parameters, and ``functools.wraps`` carries a ``__signature__`` over to functions that
    are not bound, with ``self`` in it: so the parameters are real ones, and what is executed holds names alone.
    """
    params = node.params
    star = [params.star_arg] if isinstance(params.star_arg, cst.Param) else []
    double = [params.star_kwarg] if params.star_kwarg is not None else []
    defaults = {
        param.name.value: interpreter.value(param.default, scope)
        for param in [*params.posonly_params, *params.params, *params.kwonly_params]
        if param.default is not None
    }

    def written(params: Sequence[cst.Param]) -> list[str]:
        names = [param.name.value for param in params]
        return [f"{name}={DEFAULTS}[{name!r}]" if name in defaults else name for name in names]

    def starred(stars: str, params: Sequence[cst.Param]) -> list[str]:
        return [f"{stars}{param.name.value}" for param in params]

    heads = [*written(params.posonly_params), *(["/"] if params.posonly_params else []), *written(params.params)]
    heads += starred("*", star) or (["*"] if params.kwonly_params else [])
    heads += [*written(params.kwonly_params), *starred("**", double)]
    placed = [*params.posonly_params, *params.params]
    values = ", ".join([*(one.name.value for one in placed), *starred("*", star)])
    pairs = [f"{one.name.value!r}: {one.name.value}" for one in params.kwonly_params]
    keywords = ", ".join([*pairs, *starred("**", double)])
    names: dict[str, Any] = {READ: read, DEFAULTS: defaults}
    exec(f"def {METHOD}({', '.join(heads)}):\n    return {READ}([{values}], {{{keywords}}})", names)
    made: Callable[..., Any] = names[METHOD]
    made.__name__ = node.name.value
    return made


def is_own(value: Any) -> bool:
    """Whether an object is of a class of the script's."""
    return any(hasattr(member, "read_from_script") for kind in type(value).__mro__ for member in vars(kind).values())


def callable_on(value: Any, method: str) -> bool:
    """Whether a method of an object is the script's own, or one that its own methods may call."""
    return is_own(value) and (method in INHERITED or hasattr(getattr(type(value), method, None), "read_from_script"))


def parent(node: cst.BaseExpression, scope: Scope) -> Any:
    """What ``super()`` is in a method of the script's, None for any other expression."""
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Name) or node.func.value != "super":
        return None
    return super(scope[CLASS], scope[SELF]) if SELF in scope else None


def refuse_training(node: cst.CSTNode, names: set[str], scope: Scope) -> None:
    """Raises for a decision of a method on whether it is trained: the model is read as it is at inference.

    Raises:
        NotStatic: it is one.
    """
    if SELF in scope and "training" in names:
        raise NotStatic(f"`{code(node).strip()}` makes a layer do something in training alone")
