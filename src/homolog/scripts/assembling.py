"""What was found → the text of the written script."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import libcst as cst

from homolog.scripts.blocks import Piece
from homolog.scripts.draft import NOTHING, Draft
from homolog.scripts.parts import PARTS, text_of, with_needs
from homolog.scripts.script import Statement, code, docstring

WIDTH = 110


def assembled(draft: Draft, pieces: Sequence[Piece]) -> str:
    """The whole script, formatted.

    Args:
        draft: with everything that the pieces need.
        pieces: the statements of the script, its first text left out.
    """
    import black

    body = [Piece(draft.filled(piece.text).strip("\n"), piece.binds, piece.apart) for piece in pieces]
    body = [piece for piece in body if piece.text.strip() not in ("", NOTHING)]
    head = _head(draft)
    body = _read_pieces(draft, body, head)
    imports = {code(line).strip() for piece in body if (line := _only_import(piece.text)) is not None}
    body = [piece for piece in body if _only_import(piece.text) is None]
    own = black.format_str(head, mode=black.Mode(line_length=WIDTH, magic_trailing_comma=False))
    lines = [_introduction(draft), _imports({*imports, *_needed(draft)}), own, "\n".join(_spaced(body))]
    text = _without_nothing("\n\n".join(line for line in lines if line) + "\n")
    return black.format_str(text, mode=black.Mode(line_length=WIDTH))


def _introduction(draft: Draft) -> str:
    """The comments and the text that the script begins with."""
    module = draft.script.module
    lines = [line.comment.value for line in module.header if line.comment is not None]
    body = [item for item in module.body if isinstance(item, Statement)]
    if docstring(body):
        lines.append(code(body[0]).strip())
    return "\n".join(lines)


def _head(draft: Draft) -> str:
    """Constants, classes and functions."""
    parts = with_needs(draft.parts)
    written = [*(PARTS[name].text for name in parts), *(part.text for part in draft.functions.values())]
    for name in re.findall(r"(?m)^(?:def|class) (\w+)", "\n".join(written)):
        draft.named(name)
    texts = [_renamed(draft, "\n".join(PARTS["device"].text.splitlines()))] if "device" in parts else []
    texts += draft.constants
    texts += [network.source.classes_text for network in draft.written if network.source]
    texts += [_renamed(draft, text_of(name, draft.features)) for name in parts if name != "device"]
    texts += [_renamed(draft, part.text.strip("\n")) for part in draft.functions.values()]
    return "\n\n\n".join(texts)


def _renamed(draft: Draft, text: str) -> str:
    for name, instead in draft.renamed.items():
        text = re.sub(rf"(?<![\w.\"']){name}(?![\w\"'])", instead, text)
    return text


def _needed(draft: Draft) -> Iterable[str]:
    """Imports of what is written."""
    yield from draft.imports
    for name in with_needs(draft.parts):
        yield from PARTS[name].imports
    for part in draft.functions.values():
        yield from part.imports
    for network in draft.written:
        if network.source is not None:
            yield from network.source.imports


def _imports(lines: Iterable[str]) -> str:
    """Import lines, those of Python's own library first, several names of one module on one line."""
    whole: set[str] = set()
    parts: dict[str, set[str]] = {}
    for line in lines:
        match = re.fullmatch(r"from (\S+) import ([^#(]+)", line)
        if match is None:
            whole.add(line)
        else:
            parts.setdefault(match[1], set()).update(name.strip() for name in match[2].split(","))
    texts = [*whole, *(f"from {module} import {', '.join(sorted(names))}" for module, names in parts.items())]

    def place(text: str) -> tuple[int, int, str]:
        module = text.split()[1]
        return module.split(".")[0] not in sys.stdlib_module_names, text.startswith("from"), text

    ordered = sorted(texts, key=place)
    own = [text for text in ordered if not place(text)[0]]
    return "\n".join([*own, *([""] if own else []), *ordered[len(own) :]])


def _only_import(text: str) -> cst.CSTNode | None:
    """The import that a text is, None for anything else."""
    try:
        node = cst.parse_module(text).body
    except cst.ParserSyntaxError:
        return None
    if len(node) != 1 or not isinstance(node[0], cst.SimpleStatementLine) or len(node[0].body) != 1:
        return None
    first = node[0].body[0]
    return first if isinstance(first, cst.Import | cst.ImportFrom) else None


def _read_pieces(draft: Draft, body: list[Piece], head: str) -> list[Piece]:
    """Without assignments of literals, and imports, that nobody reads any more, though the script did."""
    original = draft.script.module.code
    while True:
        texts = [piece.text for piece in body]
        for place, piece in enumerate(body):
            rest = "\n".join([head, *texts[:place], *texts[place + 1 :]])
            unread = piece.binds and not any(_mentioned(name, rest) for name in piece.binds)
            if unread and any(len(re.findall(rf"\b{name}\b", original)) > 1 for name in piece.binds):
                del body[place]
                break
        else:
            return body


def _mentioned(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", text) is not None


def _spaced(body: Sequence[Piece]) -> list[str]:
    """The statements, with a free line in front of those that stand apart or begin with a comment."""
    return [f"\n{piece.text}" if piece.apart or piece.text.startswith("#") else piece.text for piece in body]


def _without_nothing(text: str) -> str:
    """A text without the marks of statements of which nothing came."""
    return code(cst.parse_module(text).visit(_Nothing()))


class _Nothing(cst.CSTTransformer):
    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:  # noqa: N802  # libcst's name
        body, rest = _kept(updated_node.body)
        return updated_node.with_changes(body=body, footer=[*rest, *updated_node.footer])

    def leave_IndentedBlock(  # noqa: N802  # libcst's name
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        body, rest = _kept(updated_node.body)
        if body:
            return updated_node.with_changes(body=body, footer=[*rest, *updated_node.footer])
        return updated_node.with_changes(body=[cst.SimpleStatementLine([cst.Pass()], leading_lines=rest)])


def _kept(body: Sequence[Any]) -> tuple[list[Any], list[cst.EmptyLine]]:
    """The statements that are something, and the comments behind the last of them."""
    kept: list[Any] = []
    comments: list[cst.EmptyLine] = []
    for item in body:
        lead = [*comments, *item.leading_lines]
        if code(item.with_changes(leading_lines=())).strip() == NOTHING:
            comments = [line for line in lead if line.comment is not None]
        else:
            kept.append(item.with_changes(leading_lines=lead))
            comments = []
    return kept, comments
