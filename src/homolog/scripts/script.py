"""A script as syntax: its statements, what they mention and bind, and their text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from homolog.errors import Unreadable

Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement
_EMPTY = cst.Module([])


class Script:
    """A parsed script.

    Args:
        text: of the script.
        name: of its file, for people.

    Raises:
        Unreadable: it is no Python.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        try:
            wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        except cst.ParserSyntaxError as error:
            raise Unreadable(
                "the script is no Python that can be parsed",
                where=f"{name}, line {error.raw_line}",
                found=error.message,
            ) from error
        self.module = wrapper.module
        self._positions = wrapper.resolve(PositionProvider)
        self.names = {node.value for node in walk(self.module) if isinstance(node, cst.Name)}

    def line(self, node: cst.CSTNode) -> int:
        """The line that a node of the script begins at."""
        found = self._positions.get(node)
        return 0 if found is None else found.start.line


def read(source: str | Path) -> Script:
    """A script from a file, or from its text if that has several lines.

    Raises:
        Unreadable: there is no such file, or it is no Python.
    """
    if isinstance(source, str) and "\n" in source:
        return Script(source, "script.py")
    path = Path(source)
    try:
        return Script(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable("the script cannot be read", where=str(path), found=str(error)) from error


def code(node: cst.CSTNode) -> str:
    """The text of a node."""
    return _EMPTY.code_for_node(node)


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and everything within it."""
    yield node
    for child in node.children:
        yield from walk(child)


def dotted(node: cst.CSTNode) -> str | None:
    """``a.b.c`` of names and attributes, None for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        base = dotted(node.value)
        return None if base is None else f"{base}.{node.attr.value}"
    return None


def names_read(node: cst.CSTNode) -> set[str]:
    """Names whose values an expression or statement asks for, those that it binds itself for its own use left out."""
    if isinstance(node, cst.Name):
        return {node.value}
    if isinstance(node, cst.Attribute):
        return names_read(node.value)
    if isinstance(node, cst.Arg):
        return names_read(node.value)
    if isinstance(node, cst.Lambda):
        return names_read(node.body) - parameters(node.params)
    if isinstance(node, cst.FunctionDef):
        inner = set().union(*(names_read(item) for item in (node.params, node.body, *node.decorators)))
        return inner - parameters(node.params) - bound(node.body)
    if isinstance(node, cst.Param):
        return set() if node.default is None else names_read(node.default)
    if isinstance(node, cst.Annotation | cst.Comment | cst.Import | cst.ImportFrom):
        return set()
    if isinstance(node, cst.CompFor):
        return set().union(*(names_read(child) for child in node.children if child is not node.target))
    if isinstance(node, cst.ListComp | cst.SetComp | cst.GeneratorExp | cst.DictComp):
        inner = set().union(*(names_read(child) for child in node.children))
        return inner - targets(node.for_in.target)
    if isinstance(node, cst.AssignTarget) and isinstance(node.target, cst.Name | cst.Tuple | cst.List):
        return set().union(*(names_read(item) for item in walk(node.target) if isinstance(item, cst.Attribute)), set())
    return set().union(*(names_read(child) for child in node.children), set())


def parameters(node: cst.Parameters) -> set[str]:
    """Names of a function's parameters."""
    return {item.name.value for item in walk(node) if isinstance(item, cst.Param)}


def targets(node: cst.CSTNode) -> set[str]:
    """Names that an assignment to this binds."""
    if isinstance(node, cst.Name):
        return {node.value}
    if isinstance(node, cst.Tuple | cst.List):
        return set().union(*(targets(element.value) for element in node.elements), set())
    if isinstance(node, cst.StarredElement):
        return targets(node.value)
    return set()


def bound(node: cst.CSTNode) -> set[str]:
    """Names that a statement binds in the scope that it stands in."""
    if isinstance(node, cst.FunctionDef | cst.ClassDef):
        return {node.name.value}
    found: set[str] = set()
    if isinstance(node, cst.AssignTarget | cst.AnnAssign | cst.AugAssign | cst.For | cst.NamedExpr):
        found |= targets(node.target)
    if isinstance(node, cst.AsName) and isinstance(node.name, cst.Name):
        found |= {node.name.value}
    if isinstance(node, cst.Import | cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
        for alias in node.names:
            found |= {alias.evaluated_alias or alias.evaluated_name.partition(".")[0]}
    return found.union(*(bound(child) for child in node.children), set())


def body_of(node: cst.CSTNode) -> Sequence[Statement]:
    """The statements of a suite, one on the same line included."""
    if isinstance(node, cst.IndentedBlock):
        return [item for item in node.body if isinstance(item, Statement)]
    if isinstance(node, cst.SimpleStatementSuite):
        return [cst.SimpleStatementLine(body=node.body)]
    return []


def docstring(body: Sequence[Statement]) -> bool:
    """Whether the first statement is a text by itself."""
    first = body[0] if body else None
    return (
        isinstance(first, cst.SimpleStatementLine)
        and isinstance(first.body[0], cst.Expr)
        and isinstance(first.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )


def all_bound(node: cst.CSTNode) -> set[str]:
    """Every name that anything within a node binds, in whatever scope."""
    found: set[str] = set()
    for item in walk(node):
        if isinstance(item, cst.Parameters):
            found |= parameters(item)
        elif isinstance(item, cst.BaseSmallStatement | cst.BaseCompoundStatement | cst.NamedExpr):
            found |= bound(item)
        elif isinstance(item, cst.CompFor):
            found |= targets(item.target)
    return found
