"""The statements of a script, one after the other: kept, read for what they build, rewritten, or left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from homolog.scripts import setup
from homolog.scripts.calls import RUNTIME, Calls
from homolog.scripts.classes import Class
from homolog.scripts.classes import read as read_class
from homolog.scripts.draft import NOTHING, Draft, Left, Network
from homolog.scripts.importing import imported
from homolog.scripts.rewriting import Rewriter
from homolog.scripts.script import Statement, body_of, bound, code, names_read, targets, walk
from homolog.scripts.statements import step
from homolog.scripts.values import (
    Array,
    Function,
    NotStatic,
    Pipeline,
    Scope,
    Unknown,
    Untranslated,
    is_framework,
    is_live,
    is_model,
)

SETTINGS_OF_KERAS = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "TF_USE_LEGACY_KERAS")


@dataclass
class Piece:
    """A statement of the written script.

    Attributes:
        text: its lines.
        binds: names that it does nothing but bind to literals or imports, so that it can go once nobody reads them.
        apart: whether there is a free line in front of it.
    """

    text: str
    binds: frozenset[str] = frozenset()
    apart: bool = False


@dataclass
class Touched:
    """What reading a statement did to models."""

    changed: list[Any] = field(default_factory=list)
    compiled: list[Any] = field(default_factory=list)


class Blocks:
    """Translates the statements of one script."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.calls = Calls(draft)
        self.touched = Touched()
        interpreter = draft.interpreter
        interpreter.cached = self.calls.values
        interpreter.on_compile = self._on_compile
        interpreter.on_adapt = self._on_adapt
        interpreter.on_change = self.touched_model

    # -- what the interpreter tells -----------------------------------------------------------------------------

    def touched_model(self, model: Any) -> None:
        """A model came about, or was changed.

        Raises:
            NotStatic: it is written already.
        """
        known = self.draft.networks.get(id(model))
        if known is not None and known.source is not None:
            raise NotStatic(f"the model {model.name} is changed after it was used")
        self.draft.network(model)
        self.touched.changed.append(model)

    def _on_compile(self, model: Any, values: Sequence[Any], keywords: Any, node: cst.Call) -> None:
        self.draft.network(model).compiled = setup.compilation(self.draft, model, values, keywords)
        self.touched.compiled.append(model)

    def _on_adapt(self, layer: Any, node: cst.Call) -> None:
        if type(layer).__name__ != "Normalization" or len(node.args) != 1:
            raise NotStatic(f"`{code(node)}` has no counterpart here")
        given = node.args[0].value
        value = self.draft.interpreter.value(given, self.scope)
        shape = value.shape if isinstance(value, Array) else None
        if shape is not None and None not in shape[1:] and not layer.built:
            layer.build((None, *shape[1:]))  # else it is built when it is called
        layer.adapted_to = self._text(given, self.scope)

    def _text(self, node: cst.BaseExpression, scope: Scope) -> str:
        return Rewriter(self.calls, scope).write(node)

    # -- statements ---------------------------------------------------------------------------------------------

    def block(self, statements: Sequence[Statement], scope: Scope) -> list[Piece]:
        """The statements of a suite."""
        found: list[Piece] = []
        apart = False
        for statement in statements:
            apart = apart or any(line.comment is None for line in statement.leading_lines)
            for piece in self.statement(statement, scope):
                found.append(Piece(piece.text.strip("\n"), piece.binds, apart))
                apart = False
        return found

    def statement(self, node: Statement, scope: Scope) -> list[Piece]:
        """One statement, as what it becomes."""
        self.scope = scope
        first = node.body[0] if isinstance(node, cst.SimpleStatementLine) else node
        if isinstance(first, cst.Import | cst.ImportFrom):
            return self._import(node, first, scope)
        if any(word in code(node) for word in SETTINGS_OF_KERAS):
            return []
        mentions = [name for name in names_read(node) if is_framework(scope.get(name))]
        mentions += [name for item in walk(node) for name in self._bases(item, scope)]
        if not mentions:
            return self._keep(node, scope)
        if isinstance(node, cst.FunctionDef):
            return self._function(node, scope)
        if isinstance(node, cst.ClassDef):
            return self._class(node, scope)
        if not self._runs(node, scope):
            return self._build(node, scope)
        if isinstance(node, cst.SimpleStatementLine):
            return self._rewrite(node, scope)
        return self._nest(node, scope)

    def _bases(self, node: cst.CSTNode, scope: Scope) -> list[str]:
        """Names of Keras's that a class is derived from."""
        if not isinstance(node, cst.ClassDef):
            return []
        return [name for base in node.bases for name in names_read(base) if is_framework(scope.get(name))]

    def _import(self, node: Statement, first: cst.Import | cst.ImportFrom, scope: Scope) -> list[Piece]:
        if isinstance(first, cst.ImportFrom) and code(first).split()[1] == "__future__":
            return []  # Python 3 has them all
        scope.update(imported(first))
        names = bound(first)
        if not any(is_framework(scope.get(name)) for name in names):
            return [Piece(code(node), frozenset(names))]
        if isinstance(first, cst.Import) and len(first.names) > 1:
            kept = [alias for alias in first.names if not is_framework(scope.get(_bound_by(alias)))]
            lines = [f"import {code(alias).rstrip(', ')}" for alias in kept]
            return [Piece(line, frozenset({_bound_by(alias)})) for line, alias in zip(lines, kept, strict=True)]
        return [Piece(_comments(node))] if _comments(node) else []

    def _keep(self, node: Statement, scope: Scope) -> list[Piece]:
        """A statement in which there is nothing of Keras's."""
        names = bound(node)
        try:
            for part in node.body if isinstance(node, cst.SimpleStatementLine) else [node]:
                step(self.draft.interpreter, part, scope)
        except NotStatic:
            scope.update(dict.fromkeys(names, Unknown()))
        literal = (
            isinstance(node, cst.SimpleStatementLine)
            and all(isinstance(part, cst.Assign) for part in node.body)
            and not any(isinstance(item, cst.Call | cst.Attribute) for item in walk(node))
        )
        return [Piece(code(node), frozenset(names) if literal else frozenset())]

    def _runs(self, node: cst.CSTNode, scope: Scope) -> bool:
        """Whether a statement has calls in it that happen while the script runs."""
        for item in walk(node):
            if isinstance(item, cst.Attribute) and item.attr.value in RUNTIME:
                return True
            if isinstance(item, cst.Call) and self._at_runtime(item.func, scope):
                return True
            if isinstance(item, cst.Name) and self._result(scope.get(item.value)):
                return True
        return False

    def _at_runtime(self, node: cst.BaseExpression, scope: Scope) -> bool:
        name = self.calls.name_of(node, scope) or ""
        return name.startswith(("keras.datasets.", "keras.utils.", "tf.data.", "tf.random.", "keras.models.load"))

    def _result(self, value: Any) -> bool:
        return type(value).__name__ in ("Fitted", "Pipeline")

    # -- what builds models -------------------------------------------------------------------------------------

    def _build(self, node: Statement, scope: Scope) -> list[Piece]:
        """A statement that makes models, layers, optimisers: read here, and written as what came of it."""
        self.touched.changed, self.touched.compiled = [], []
        before = {name: scope.get(name) for name in bound(node)}
        try:
            for part in node.body if isinstance(node, cst.SimpleStatementLine) else [node]:
                step(self.draft.interpreter, part, scope)
        except NotStatic as error:
            return self._leave(node, scope, error.what)
        made = {
            name: scope[name]
            for name in bound(node)
            if is_model(scope.get(name)) and scope[name] is not before.get(name)
        }
        for name, value in scope.items():
            if is_model(value) and any(value is model for model in self.touched.changed):
                made.setdefault(name, value)
        compiled, comments = list(self.touched.compiled), _comments(node)
        for model in self.touched.changed:
            self.draft.network(model).statements.append(node)
        lines = [self._slot_of_model(name, model) for name, model in made.items()]
        lines += [self._slot_of_compilation(self._named(model, scope), model) for model in compiled]
        if not lines:
            return []
        return [Piece("\n".join([*([comments] if comments else []), *lines]))]

    def _named(self, model: Any, scope: Scope) -> str:
        return next((name for name, value in scope.items() if value is model), "model")

    def _slot_of_model(self, name: str, model: Any) -> str:
        """The line that makes a model; of several, the last one does."""
        network = self.draft.network(model)
        number = network.places = network.places + 1
        first = not network.variable or network.variable == name
        network.variable = network.variable or name

        def render() -> str:
            if network.failed and network.places_of(name) == number:
                return "\n".join(self._failed(network))
            if not network.used or network.places_of(name) != number or network.source is None:
                return ""
            if not first:
                return f"{name} = {network.variable}"
            return self._making(name, network)

        network.mark(name, number)
        return self.draft.slot(render)

    def _failed(self, network: Network) -> list[str]:
        """The statements of a model that cannot be translated, as a comment."""
        lines = [line for statement in dict.fromkeys(network.statements) for line in _commented(statement)]
        self.draft.left.append(
            Left(self.draft.script.line(network.statements[0]), lines[0].removeprefix("# "), network.failed)
        )
        return [f"# homolog: not translated: {network.failed}", *lines]

    def _making(self, name: str, network: Network) -> str:
        from homolog.scripts.initialising import after_making

        assert network.source is not None
        device = self.draft.use("device")
        lines = [f"{name} = {network.source.class_name}().to({device})", *after_making(self.draft, name, network)]
        return "\n".join(lines)

    def _slot_of_compilation(self, name: str, model: Any) -> str:
        compilation = self.draft.network(model).compiled
        assert compilation is not None

        def render() -> str:
            if compilation.function not in self.draft.functions:
                return ""
            return f"{compilation.variable} = {compilation.function}({name})"

        return self.draft.slot(render)

    def _function(self, node: cst.FunctionDef, scope: Scope) -> list[Piece]:
        """A function that has to do with Keras: translated if it runs something, else read when it is called."""
        name = node.name.value
        function = Function(node, scope, free=False)
        scope[name] = function
        if self._runs(node.body, {**scope, **dict.fromkeys(bound(node.body), None)}):
            inner = dict(scope)
            inner |= {item.name.value: Unknown() for item in walk(node.params) if isinstance(item, cst.Param)}
            count = len(self.draft.left)
            pieces = self.block(body_of(node.body), inner)
            function.translated = len(self.draft.left) == count
            if not function.translated:
                scope[name] = Unknown()
            return [Piece(code(node.with_changes(body=_suite(pieces))))]

        def render() -> str:
            if function.written:
                return function.written
            return function.left if function.left else ""

        return [Piece(self.draft.slot(render))]

    def _class(self, node: cst.ClassDef, scope: Scope) -> list[Piece]:
        """A class of layers or models: read when objects of it are made."""
        try:
            found = read_class(self.draft.interpreter, node, scope)
        except NotStatic as error:
            return self._leave(node, scope, error.what)
        scope[node.name.value] = found
        return [Piece(self.draft.slot(lambda: found.left))]

    # -- what runs ----------------------------------------------------------------------------------------------

    def _rewrite(self, node: cst.SimpleStatementLine, scope: Scope) -> list[Piece]:
        """A statement with calls in it that the written script makes too."""
        self.calls.before, self.calls.refused = [], []
        try:
            done = node.visit(Rewriter(self.calls, scope))
            assert isinstance(done, cst.SimpleStatementLine)
            for part in node.body:
                step(self.draft.interpreter, part, scope)
        except NotStatic as error:
            return self._leave(node, scope, error.what)
        text = code(done.with_changes(leading_lines=()))
        value = self._only_value(node)
        lines = [_comments(node)] if _comments(node) else []
        for refused, why in self.calls.refused:
            lines += self._marked(refused, why)
        lines += self.calls.before
        if isinstance(value, Pipeline):
            return [Piece("\n".join([*lines, self._slot_of_pipeline(text, value)]))]
        if is_live(value):
            self.calls.loaded |= bound(node)
        if text.strip() != "None":
            lines.append(text.rstrip("\n"))
        return [Piece("\n".join(lines))] if lines else []

    def _only_value(self, node: cst.SimpleStatementLine) -> Any:
        part = node.body[0]
        return self.calls.values.get(part.value) if isinstance(part, cst.Assign | cst.Expr) else None

    def _slot_of_pipeline(self, text: str, pipeline: Pipeline) -> str:
        return self.draft.slot(lambda: self.draft.filled(text).rstrip() if pipeline.models else "")

    def _nest(self, node: Any, scope: Scope) -> list[Piece]:
        """A statement with others within it."""
        header = {name for child in _heads(node) for name in names_read(child) if is_framework(scope.get(name))}
        if header:
            return self._leave(node, scope, f"{', '.join(sorted(header))} decides what happens")
        if isinstance(node, cst.For):
            scope.update(dict.fromkeys(targets(node.target), Unknown()))
        if isinstance(node, cst.With):
            scope.update(dict.fromkeys((name for item in node.items for name in bound(item)), Unknown()))
        if not isinstance(node, cst.If | cst.For | cst.While | cst.With | cst.Try):
            return self._leave(node, scope, "this statement is not read here")
        return [Piece(code(self._with_bodies(node, scope)))]

    def _with_bodies(self, node: Any, scope: Scope) -> Any:
        changes: dict[str, Any] = {"body": _suite(self.block(body_of(node.body), scope))}
        for part in ("orelse", "finalbody"):
            if getattr(node, part, None) is not None:
                changes[part] = self._with_bodies(getattr(node, part), scope)
        if isinstance(node, cst.Try):
            changes["handlers"] = [self._with_bodies(handler, scope) for handler in node.handlers]
        return node.with_changes(**changes)

    # -- what is left -------------------------------------------------------------------------------------------

    def _leave(self, node: Statement, scope: Scope, why: str) -> list[Piece]:
        """A statement that cannot be translated, as a comment with the reason."""
        for name in names_read(node):
            function = scope.get(name)
            if isinstance(function, Class) and not function.left:
                function.left = "\n".join(_commented(function.node))
            if isinstance(function, Function) and not (function.free or function.translated) and not function.left:
                function.left = "\n".join(_commented(function.node))
        for name in bound(node):
            scope[name] = Untranslated(name)
        comments = _comments(node)
        return [Piece("\n".join([*([comments] if comments else []), *self._marked(node, why)]))]

    def _marked(self, node: cst.CSTNode, why: str) -> list[str]:
        lines = _commented(node)
        self.draft.left.append(Left(self.draft.script.line(node), lines[0].removeprefix("# "), why))
        return [f"# homolog: not translated: {why}", *lines]


def _commented(node: cst.CSTNode) -> list[str]:
    bare = node.with_changes(leading_lines=()) if hasattr(node, "leading_lines") else node
    return [f"# {line}".rstrip() for line in code(bare).strip("\n").splitlines()]


def _comments(node: Any) -> str:
    """The comments in front of a statement."""
    lines = [line.comment.value for line in getattr(node, "leading_lines", ()) if line.comment is not None]
    return "\n".join(lines)


def _suite(pieces: Sequence[Piece]) -> cst.IndentedBlock:
    """Pieces as the body of a statement."""
    text = "\n".join(f"\n{piece.text}" if piece.apart else piece.text for piece in pieces)
    module = cst.parse_module(f"{text}\n{NOTHING}\n")
    return cst.IndentedBlock(body=_with_header(module))


def _with_header(module: cst.Module) -> list[Any]:
    """The statements of a parsed text, the comments in front of the first one with it."""
    first, *rest = module.body
    return [first.with_changes(leading_lines=[*module.header, *first.leading_lines]), *rest]


def _heads(node: Any) -> list[cst.CSTNode]:
    """What a compound statement asks before its body."""
    if isinstance(node, cst.With):
        return list(node.items)
    return [item for item in (getattr(node, "test", None), getattr(node, "iter", None)) if item is not None]


def _bound_by(alias: cst.ImportAlias) -> str:
    return alias.evaluated_alias or alias.evaluated_name.partition(".")[0]
