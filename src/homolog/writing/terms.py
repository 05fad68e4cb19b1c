"""Terms: the literals of a line, and what stands for them once they are parameters or counters.

A term is Python source: ``64``, ``(3, 3)``, ``"layer1_0"``, ``filters * 4``, ``f"{name}_conv1"``. Two terms are the
same if their text is. Strings in double quotes hold no quotes, braces or backslashes of their own, so that the text
inside can be cut and joined freely; any other string is in the form of ``repr`` and is left as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache

PLAIN = re.compile(r'[^"\'\\{}\x00-\x1f\x7f]*')
FORMATTED = re.compile(r'f?"([^"\\]*)"')
FIELD = re.compile(r"\{([^{}]*)\}")
TOKEN = re.compile(r"\{[^{}]*\}|[0-9]+|[^0-9{]+")
PRODUCT = re.compile(r"(\d+) (\*|//) ([1-9]\d*)")
ATOM = re.compile(r'\w+|[\w.]+|f?"[^"]*"|\(.*,.*\)|\[.*\]')


def quoted(value: str) -> str:
    """A string as a term."""
    return f'"{value}"' if PLAIN.fullmatch(value) else repr(value)


@lru_cache(maxsize=8192)
def inside(term: str) -> str | None:
    """What stands between the quotes of a string or an f-string, None for any other term."""
    found = FORMATTED.fullmatch(term)
    return found[1] if found else None


def joined(text: str) -> str:
    """The term that has this text between its quotes."""
    return f'f"{text}"' if "{" in text else f'"{text}"'


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """The text between quotes, cut into fields in braces, numbers, and the rest."""
    return tuple(TOKEN.findall(text))


@lru_cache(maxsize=8192)
def value(term: str) -> object:
    """What a term without names evaluates to, the term itself where it has names."""
    try:
        return ast.literal_eval(term)
    except ValueError:
        return term


@lru_cache(maxsize=8192)
def names(term: str) -> frozenset[str]:
    """The names that a term reads."""
    return frozenset(node.id for node in ast.walk(ast.parse(term, mode="eval")) if isinstance(node, ast.Name))


def atomic(term: str) -> bool:
    """Whether a term can stand next to an operator without brackets."""
    return ATOM.fullmatch(term) is not None


def elements(term: str) -> tuple[str, ...] | None:
    """The terms of a tuple, None for any other term."""
    if not term.startswith("("):
        return None
    node = ast.parse(term, mode="eval").body
    if not isinstance(node, ast.Tuple):
        return None
    return tuple(ast.get_source_segment(term, element) or "" for element in node.elts)


def tupled(terms: tuple[str, ...]) -> str:
    """The tuple of some terms."""
    return f"({terms[0]},)" if len(terms) == 1 else f"({', '.join(terms)})"


def substituted(term: str, mapping: Mapping[str, str]) -> str:
    """The term with other terms in place of names.

    A string that takes the place of a name inside an f-string becomes a part of it.
    """
    if term in mapping:
        return mapping[term]
    text = inside(term)
    if text is not None:
        return joined(FIELD.sub(lambda found: _field(found[1], mapping), text)) if "{" in text else term
    if names(term).isdisjoint(mapping):
        return term
    found = ast.unparse(_Substitution(mapping).visit(ast.parse(term, mode="eval")))
    product = PRODUCT.fullmatch(found)
    if product is None:
        return found
    one, sign, two = product.groups()
    return str(int(one) * int(two) if sign == "*" else int(one) // int(two))


def _field(expression: str, mapping: Mapping[str, str]) -> str:
    new = substituted(expression, mapping)
    text = inside(new)
    return f"{{{new}}}" if text is None else text


class _Substitution(ast.NodeTransformer):
    def __init__(self, mapping: Mapping[str, str]) -> None:
        self.mapping = mapping

    def visit_Name(self, node: ast.Name) -> ast.expr:
        term = self.mapping.get(node.id)
        return node if term is None else ast.parse(term, mode="eval").body
