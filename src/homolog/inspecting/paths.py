"""The object at the end of a path, such as ``layers[0].kernel``, without ever evaluating text.

A path is a chain of attributes, of indexes, slices and keys in brackets, and, where the caller allows it, of calls
without arguments. That set is closed: anything else is refused before the object is touched.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import TypeVar

from homolog.errors import HomologError, Unsupported, Usage

T = TypeVar("T")
_GRAMMAR = "names, [indexes], [from:to], ['keys'] and, for calling, (): layers[0].kernel, state_dict()['conv.weight']"


def resolve(obj: object, path: str, *, call: bool = False) -> object:
    """The object that ``path`` leads to; ``obj`` itself for the empty path.

    Args:
        obj: where the path starts.
        path: e.g. ``layers[0].kernel``, ``[-1]``, ``_modules['conv']`` or ``state_dict()['conv.weight']``.
        call: whether ``()`` may call what stands before it.

    Raises:
        Usage: the path is malformed, or there is nothing at its end.
        Unsupported: reading a property, an index or a call on the way raised an error of its own.
    """
    for node, place in _steps(path, call):
        match node:
            case ast.Attribute(attr=name):
                obj = _attribute(obj, name, place)
            case ast.Subscript(slice=index):
                obj = _item(obj, _index(index, place), place)
            case _:
                obj = _call(obj, place)
    return obj


def attempt(step: Callable[[], T], place: str) -> T:
    """Runs code of an object's own class, which may raise anything, so that what it raises names the place.

    Raises:
        Unsupported: it raised an error that is not one of homolog's.
    """
    try:
        return step()
    except HomologError:
        raise
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        raise Unsupported("an object could not be read", where=place, found=found) from error


def _steps(path: str, call: bool) -> list[tuple[ast.expr, str]]:
    """The nodes of the path from its start to its end, each with the text up to there. All of them are allowed."""
    if not path.strip():
        return []
    text = "_" + path if path[0] in "[(" else "_." + path
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _malformed(path, path) from error
    steps: list[tuple[ast.expr, str]] = []
    while not isinstance(node, ast.Name):
        place = (ast.get_source_segment(text, node) or text)[1:].lstrip(".")
        if not isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            raise _malformed(path, place)
        if isinstance(node, ast.Subscript):
            _index(node.slice, place)
        elif isinstance(node, ast.Call) and not call:
            raise Usage("a path that only looks may not call anything", where=place)
        elif isinstance(node, ast.Call) and (node.args or node.keywords):
            raise Usage("a path calls without arguments only", where=place)
        steps.append((node, place))
        node = node.func if isinstance(node, ast.Call) else node.value
    return steps[::-1]


def _malformed(path: str, place: str) -> Usage:
    bracketed = re.sub(r"(?:^|\.)(\d+)(?=\.|\[|$)", r"[\1]", path)
    return Usage(
        "a path is malformed",
        where=path,
        expected=_GRAMMAR,
        found=place if place != path else None,
        help=None if bracketed == path else f"numbers go in brackets: {bracketed}",
    )


def _index(node: ast.expr, place: str) -> int | str | slice:
    match node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(*(None if part is None else _integer(part, place) for part in (lower, upper, step)))
        case ast.Constant(value=str() as key):
            return key
    return _integer(node, place)


def _integer(node: ast.expr, place: str) -> int:
    match node:
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)) if not isinstance(number, bool):
            return -number
    raise Usage("an index is neither a whole number, a slice nor a quoted key", where=place, found=ast.unparse(node))


def _attribute(obj: object, name: str, place: str) -> object:
    def step() -> object:
        try:
            return getattr(obj, name)
        except AttributeError as error:
            names = dir(obj)
            if name in names:  # it is there: a property that raised, as Keras's `output` does before the first call
                raise
            raise Usage(
                f"{type(obj).__name__} has no {name!r}", where=place, help=_near(name, names, "see homolog members")
            ) from error

    return attempt(step, place)


def _item(obj: object, index: int | str | slice, place: str) -> object:
    kind = type(obj).__name__

    def step() -> object:
        try:
            return obj[index]  # type: ignore[index]
        except IndexError as error:
            raise Usage(f"an index is out of range: {kind} has {_length(obj)}", where=place) from error
        except KeyError as error:
            keys = [str(key) for key in obj.keys()] if hasattr(obj, "keys") else []  # noqa: SIM118 - any mapping's
            near = _near(str(index), keys, f"it has {_length(obj)}")
            raise Usage(f"{kind} has no key {index!r}", where=place, help=near) from error
        except TypeError as error:
            raise Usage(f"{kind} cannot be indexed so: {error}", where=place) from error

    return attempt(step, place)


def _call(obj: object, place: str) -> object:
    if not callable(obj):
        raise Usage(f"{type(obj).__name__} is not callable", where=place)
    try:
        signature = inspect.signature(obj)
    except (TypeError, ValueError):
        signature = None  # some builtins do not tell theirs; the call itself will tell
    if signature is not None:
        try:
            signature.bind()
        except TypeError as error:
            raise Usage(
                f"it cannot be called without arguments: {error}", where=place, expected=str(signature)
            ) from error
    return attempt(obj, place)


def _near(name: str, names: list[str], otherwise: str) -> str:
    near = get_close_matches(name, names)
    return f"did you mean {', '.join(near)}?" if near else otherwise


def _length(obj: object) -> str:
    length = getattr(obj, "__len__", None)
    count = length() if length is not None else None
    return "no such place" if count is None else f"{count} item{'' if count == 1 else 's'}"
