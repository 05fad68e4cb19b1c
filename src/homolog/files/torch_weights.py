"""Which part of a pickle is the model: a state_dict in whatever wrapping, a module, tensors in lists, or one alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from homolog.errors import Unreadable, Unsupported
from homolog.files.pickles import Object
from homolog.files.torch_modules import is_module, named_tensors
from homolog.files.torch_tensors import Stored

MAX_DEPTH = 20
MAX_VALUES = 1_000_000  # looked at; shared lists of shared lists would grow for ever
ALONE = "tensor"
"""Name of a tensor that is all that a file holds."""

_WEIGHTS = ("state_dict", "model_state_dict", "model", "model_state", "module", "net", "network", "params", "weights")
_WRAPPERS = re.compile(r"(?:(?:module|_orig_mod)\.)+")
_TENSORS = ("torch._utils._rebuild", "torch._tensor._rebuild")


def find_weights(root: Any, path: Path) -> tuple[Object | dict[str, Stored], dict[str, Any]]:
    """The model in a pickle: a module, or tensors by name; and the rest of the outermost mapping by name.

    A state_dict is known by its key, or is the only mapping that holds tensors. Where that does not tell (two models,
    a model deep inside) all tensors are taken, each under its path in the file; the state of an optimizer never is.

    Raises:
        Unsupported: there are no weights, or tensors of a kind that homolog does not read.
        Unreadable: two tensors have one name, or the file is nested without end.
    """
    if is_module(root):
        return root, {}
    if isinstance(root, Stored):
        return {ALONE: root}, {}
    if not isinstance(root, (dict, list, tuple)):
        found = root.type if isinstance(root, Object) else type(root).__name__
        raise Unsupported("the file holds neither a state_dict nor a module", where=str(path), found=found)
    table = dict(_items(root))
    holders = [key for key, value in table.items() if is_module(value) or _is_state(value)]
    chosen = [key for key in _WEIGHTS if key in holders]
    if not chosen and len(holders) == 1 and not any(map(_is_tensor, table.values())):
        chosen = holders
    if chosen:
        rest = {str(key): value for key, value in table.items() if key != chosen[0]}
        found = table[chosen[0]]
        return found if is_module(found) else _only(found, path, rest), rest
    if not holders and any(map(_is_tensor, table.values())):
        rest = {}
        return _only(table, path, rest), rest
    inside = _named(_nested(root, path), path)
    if not inside:
        raise Unsupported(
            "the file holds no weights that can be told from what else is in it",
            where=str(path),
            details=[f"{key!s:.80}" for key in list(table)[:50]],
            help="save the weights alone: torch.save(model.state_dict(), 'weights.pt')",
        )
    held = {name.partition(".")[0] for name in inside}
    return inside, {str(key): value for key, value in table.items() if str(key).partition(".")[0] not in held}


def bare(named: dict[str, Stored]) -> tuple[dict[str, Stored], str]:
    """The names without what torch.compile and data-parallel wrappers put in front of every one, and what that was."""
    found = _WRAPPERS.match(next(iter(named), ""))
    prefix = found[0] if found else ""
    if not prefix or not all(name.startswith(prefix) for name in named):
        return named, ""
    return {name.removeprefix(prefix): stored for name, stored in named.items()}, prefix


def is_optimizer(value: Any) -> bool:
    """Whether a value is what an optimizer's ``state_dict`` gives."""
    return isinstance(value, dict) and {"state", "param_groups"} <= value.keys()


def _only(table: dict[Any, Any], path: Path, rest: dict[str, Any]) -> dict[str, Stored]:
    """The tensors of one mapping; what else is in it joins the rest."""
    rest |= {str(key): value for key, value in table.items() if not _is_tensor(value)}
    return _named(((str(key), value) for key, value in table.items() if _is_tensor(value)), path)


def _named(found: Iterator[tuple[str, Any]], path: Path) -> dict[str, Stored]:
    named: dict[str, Stored] = {}
    for name, value in found:
        if isinstance(value, Object):
            raise Unsupported(
                "a tensor is of a kind that homolog does not read", where=f"{path}: {name:.200}", found=value.type
            )
        if name in named:
            raise Unreadable("two tensors have one name", where=f"{path}: {name:.200}")
        named[name] = value
    return named


def _nested(root: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """Every tensor in mappings, lists and modules within each other, by its path; optimizers are passed by."""
    waiting: list[tuple[str, Any, frozenset[int]]] = [("", root, frozenset())]
    count = 0
    while waiting:
        prefix, value, around = waiting.pop()
        count += 1
        if count > MAX_VALUES or len(around) > MAX_DEPTH:
            raise Unreadable("the file is nested without end", where=f"{path}: {prefix:.200}")
        if _is_tensor(value):
            yield prefix, value
        elif is_module(value):
            yield from ((f"{prefix}.{name}", stored) for name, stored in named_tensors(value, path))
        elif isinstance(value, (dict, list, tuple)) and id(value) not in around and not is_optimizer(value):
            inner = around | {id(value)}
            start = f"{prefix}." if prefix else ""
            waiting += reversed([(f"{start}{key!s:.200}", item, inner) for key, item in _items(value)])


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    return iter(value.items()) if isinstance(value, dict) else enumerate(value)


def _is_state(value: Any) -> bool:
    return isinstance(value, dict) and any(map(_is_tensor, value.values()))


def _is_tensor(value: Any) -> bool:
    """Whether a value is a tensor, of a kind that can be read or not."""
    return isinstance(value, Stored) or (isinstance(value, Object) and value.type.startswith(_TENSORS))
