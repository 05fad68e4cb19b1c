"""An expression or statement of the script → the same with Keras's calls replaced."""

from __future__ import annotations

from typing import Any

import libcst as cst

from homolog.scripts.calls import Calls
from homolog.scripts.script import code
from homolog.scripts.values import Fitted, Function, NotStatic, Pipeline, Scope, Untranslated, is_framework


class Rewriter(cst.CSTTransformer):
    """Replaces what has a counterpart, and refuses what has none.

    Args:
        calls: of the script.
        scope: the names known where the expression stands.
    """

    def __init__(self, calls: Calls, scope: Scope) -> None:
        self.calls, self.scope = calls, scope
        self._instead: dict[cst.CSTNode, cst.BaseExpression] = {}
        self._no_values: set[cst.CSTNode] = set()

    def write(self, node: cst.BaseExpression) -> str:
        """The text of an expression within what is being rewritten.

        Raises:
            NotStatic: something of Keras is in it that has no counterpart here.
        """
        done = node.visit(Rewriter(self.calls, self.scope))
        assert isinstance(done, cst.CSTNode)
        return code(done)

    def visit_Call(self, node: cst.Call) -> bool:  # noqa: N802  # libcst's name
        text = self.calls.text(node, self.scope, self.write)
        if text is None:
            name = self.calls.name_of(node.func, self.scope)
            if name is not None:
                raise NotStatic(f"{name} has no counterpart here")
            return True
        self._instead[node] = cst.parse_expression(text)
        return False

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:  # noqa: N802  # libcst's name
        return self._instead.pop(original_node, updated_node)

    def visit_Attribute(self, node: cst.Attribute) -> bool:  # noqa: N802  # libcst's name
        self._no_values.add(node.attr)
        if isinstance(node.value, cst.Name) and isinstance(self.scope.get(node.value.value), Fitted):
            if node.attr.value != "history":
                raise NotStatic(f"`{code(node)}` has no counterpart here")
            self._instead[node] = cst.Name(node.value.value)
            return False
        return True

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:  # noqa: N802  # libcst's name
        if original_node in self._instead:
            return self._instead.pop(original_node)
        fitted = isinstance(self.calls.values.get(original_node.value), Fitted)
        return updated_node.value if fitted and original_node.attr.value == "history" else updated_node

    def visit_Arg(self, node: cst.Arg) -> bool:  # noqa: N802  # libcst's name
        if node.keyword is not None:
            self._no_values.add(node.keyword)
        return True

    def visit_Param(self, node: cst.Param) -> bool:  # noqa: N802  # libcst's name
        self._no_values.add(node.name)
        return True

    def visit_AssignTarget(self, node: cst.AssignTarget) -> bool:  # noqa: N802  # libcst's name
        return not isinstance(node.target, cst.Name | cst.Tuple | cst.List)

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:  # noqa: N802  # libcst's name
        if original_node in self._no_values:
            return updated_node
        value = self.scope.get(original_node.value)
        if isinstance(value, Untranslated):
            raise NotStatic(f"it needs {value.what}, which was not translated")
        if is_framework(value):
            raise NotStatic(f"{_what(original_node.value, value)} has no counterpart in this place")
        return updated_node


def _what(name: str, value: Any) -> str:
    if isinstance(value, Pipeline):
        return f"the tf.data.Dataset {name}"
    if isinstance(value, Function):
        return f"the function {name}, in which there is Keras,"
    if isinstance(value, Fitted):
        return f"what fit returned ({name})"
    return name
