"""Statements → lines: which parts of an expression are literals, which are variables, and which are neither."""

from __future__ import annotations

import ast
import builtins
from collections import ChainMap
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from homolog.writing import labels, terms
from homolog.writing.constructors import filled
from homolog.writing.lines import MADE, Line, Operand, Pattern, Slot
from homolog.writing.statement import Program, Statement

THIS = "made"
"""What an expression knows the layer by that its statement makes."""


@dataclass(frozen=True)
class Flat:
    """A program as lines.

    Attributes:
        lines: one for each statement that is more than another name for a variable.
        outputs: the program's outputs, other names resolved.
        names: every name that an expression reads or binds and that is not a variable.
        made: for each made thing, the line that makes it.
        paths: for each made thing, the path of the layer.
    """

    lines: list[Line]
    outputs: tuple[str, ...]
    names: frozenset[str]
    made: dict[str, Line] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)


def flat(program: Program) -> Flat:
    """The program's statements as lines.

    Raises:
        SyntaxError: an expression is not Python.
        ValueError: a variable is read inside an f-string, or called ``made``, or one layer is made in two ways.
    """
    known = {*program.inputs, *(target for statement in program.statements for target in statement.targets)}
    if THIS in known and any(statement.module for statement in program.statements):
        raise ValueError(f"a variable is called {THIS}, which stands for what a statement makes")
    with_this = known | {THIS}
    aliases: dict[str, str] = {}
    lines: list[Line] = []
    other: set[str] = set()
    patterns: dict[Hashable, Pattern] = {}
    layers = _Layers(patterns)
    for statement in program.statements:
        parsed = _Expression(statement.expression.strip(), with_this if statement.module else known)
        here = ChainMap({THIS: layers.made_by(statement)}, aliases) if statement.module else aliases
        reads = tuple(_resolved(operand, here) for operand in parsed.reads)
        if parsed.alone and len(statement.targets) == 1:
            (aliases[statement.targets[0]],) = (operand for operand in reads if isinstance(operand, str))
            continue
        other |= parsed.names
        pattern = patterns.setdefault((parsed.pattern.pieces, parsed.pattern.late), parsed.pattern)
        lines.append(Line(statement.targets, pattern, tuple(parsed.terms), reads, statement.calls))
    outputs = tuple(aliases.get(name, name) for name in program.outputs)
    return Flat(lines, outputs, frozenset(other | layers.names), layers.lines, layers.paths)


@dataclass
class _Layers:
    """The made things of a program, each made once.

    Attributes:
        patterns: those that are known.
        lines: for each made thing, the line that makes it.
        paths: for each made thing, the path of the layer.
        names: every name that the lines read.
    """

    patterns: dict[Hashable, Pattern]
    lines: dict[str, Line] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    _known: dict[str, str] = field(default_factory=dict)

    def made_by(self, statement: Statement) -> str:
        """What the statement's layer is known by."""
        parsed = _Expression(filled(statement.module.strip()), ())
        pattern = self.patterns.setdefault((parsed.pattern.pieces, parsed.pattern.late), parsed.pattern)
        name = self._known.get(statement.layer) if statement.layer else None
        if name is None:
            name = f"{MADE}{len(self.lines)}"
            self._known[statement.layer] = name
            self.lines[name] = Line((name,), pattern, tuple(parsed.terms))
            self.paths[name] = statement.layer
            self.names |= parsed.names
        elif self.lines[name] != Line((name,), pattern, tuple(parsed.terms)):
            raise ValueError(f"{statement.layer} is made in two ways, one of them {statement.module}")
        return name


def names_read(statement: Statement, known: Collection[str]) -> frozenset[str]:
    """The variables that a statement reads.

    Raises:
        SyntaxError: its expression is not Python.
    """
    tree = ast.parse(statement.expression.strip(), mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in known)


def _resolved(operand: Operand, aliases: Mapping[str, str]) -> Operand:
    if isinstance(operand, str):
        return aliases.get(operand, operand)
    return tuple(aliases.get(name, name) for name in operand)


@dataclass
class _Expression:
    """One expression, taken apart on construction."""

    source: str
    known: Collection[str]
    terms: list[str] = field(default_factory=list)
    reads: list[Operand] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        tree = ast.parse(self.source, mode="eval").body
        if "\n" in self.source:
            self.source = ast.unparse(tree)
            tree = ast.parse(self.source, mode="eval").body
        self.alone = isinstance(tree, ast.Name) and tree.id in self.known
        # Columns of a tree count bytes.
        self._bytes = self.source.encode()
        self._pieces: list[str | Slot] = []
        self._at = 0
        self._late = False
        self._bound: set[str] = set()
        self._visit(tree, "value", True)
        self._text(len(self._bytes))
        free = frozenset(name for name in self.names - self._bound if _handed_down(name))
        self.pattern = Pattern(tuple(self._pieces), free, late=self._late)

    def _text(self, end: int) -> None:
        if end > self._at:
            self._pieces.append(self._bytes[self._at : end].decode())

    def _slot(self, node: ast.expr, slot: Slot) -> None:
        self._text(node.col_offset)
        self._pieces.append(slot)
        self._at = node.end_col_offset or 0

    def _visit(self, node: ast.AST, label: str, open: bool) -> None:
        """Take a node apart, in the order of the source.

        Args:
            node: what to take apart.
            label: what a literal in this place is called.
            open: whether anything may stand in this place without brackets.
        """
        if isinstance(node, ast.expr) and _literal(node):
            self.terms.append(self._term(node))
            self._slot(node, Slot(False, label, open))
        elif isinstance(node, ast.Name):
            if node.id in self.known:
                self.reads.append(node.id)
                self._slot(node, Slot(True))
            elif isinstance(node.ctx, ast.Load):
                self.names.add(node.id)
            else:
                self._bound.add(node.id)
                self.names.add(node.id)
        elif isinstance(node, ast.List) and node.elts and self._all_known(node.elts):
            self.reads.append(tuple(element.id for element in node.elts if isinstance(element, ast.Name)))
            self._slot(node, Slot(True))
        elif isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, ast.JoinedStr):
            inner = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
            if not inner.isdisjoint(self.known):
                raise ValueError(f"a variable inside an f-string: {self.source}")
            self.names |= inner
        elif isinstance(node, ast.Lambda):
            bound = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
            self._bound |= bound
            self.names |= bound
            before = len(self.reads)
            self._children(node)
            self._late |= len(self.reads) > before
        else:
            self._children(node)

    def _children(self, node: ast.AST) -> None:
        for child, label, open in _children(node):
            self._visit(child, label, open)

    def _all_known(self, elements: Sequence[ast.expr]) -> bool:
        return all(isinstance(element, ast.Name) and element.id in self.known for element in elements)

    def _call(self, node: ast.Call) -> None:
        self._visit(node.func, "value", False)
        arguments: list[tuple[ast.expr, str]] = []
        arguments += [(argument, labels.positional(node.func, place)) for place, argument in enumerate(node.args)]
        arguments += [(item.value, item.arg or "value") for item in node.keywords]
        for argument, label in sorted(arguments, key=lambda item: item[0].col_offset):
            self._visit(argument, label, True)

    def _term(self, node: ast.expr) -> str:
        if isinstance(node, ast.Tuple):
            return terms.tupled(tuple(self._term(element) for element in node.elts))
        if isinstance(node, ast.List):
            return f"[{', '.join(self._term(element) for element in node.elts)}]"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return terms.quoted(node.value)
        return self._bytes[node.col_offset : node.end_col_offset].decode()


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, str, bool]]:
    """The parts of a node in the order of the source, each with its label and whether it is open."""
    if isinstance(node, ast.Subscript):
        yield node.value, "value", False
        # The brackets of a tuple are not written here, so it cannot be a term of its own.
        yield from (
            ((element, "index", True) for element in node.slice.elts)
            if isinstance(node.slice, ast.Tuple)
            else ((node.slice, "layer" if isinstance(node.value, ast.Name) else "index", True),)
        )
    elif isinstance(node, ast.Slice):
        for part, label in ((node.lower, "start"), (node.upper, "stop"), (node.step, "step")):
            if part is not None:
                yield part, label, False
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for element in node.elts:
            yield element, "value", True
    elif isinstance(node, ast.Dict):
        for key, item in zip(node.keys, node.values, strict=True):
            if key is not None:
                yield key, "key", False
            yield item, "value", False
    elif isinstance(node, ast.IfExp):
        yield from ((node.body, "value", False), (node.test, "value", False), (node.orelse, "value", False))
    else:
        for child in ast.iter_child_nodes(node):
            yield child, "value", False


def _literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is not ...
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Tuple | ast.List) and bool(node.elts) and all(map(_literal, node.elts))


def _handed_down(name: str) -> bool:
    return not (name in labels.MODULES or name in dir(builtins) or name[0].isupper())
