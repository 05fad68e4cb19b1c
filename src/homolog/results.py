"""What a call of a model gives, taken apart: tensors by name, out of whatever holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from homolog.signature import Argument


@dataclass(frozen=True)
class Results:
    """The tensors of a result, in order.

    Attributes:
        tensors: by name: the keys and places that lead to each, with dots between them.
        left_out: what holds no outputs, in words: caches of keys and values, objects that nobody here knows.
    """

    tensors: Mapping[str, Any]
    left_out: tuple[str, ...] = ()


def taken_apart(result: object, is_tensor: Callable[[object], bool]) -> Results:
    """The tensors in tuples, lists, mappings and dataclasses, in the order these keep them; None is nothing.

    Args:
        result: what a model gave.
        is_tensor: whether an object is a tensor of the model's framework.
    """
    tensors: dict[str, Any] = {}
    left: list[str] = []

    def visit(name: str, item: object) -> None:
        inner = None if is_tensor(item) else _inner(item)
        if item is None or isinstance(item, bool | int | float | str):
            return  # settings that came along
        if name and Argument(name).role == "cache":
            left.append(f"{name} ({type(item).__name__})")
        elif is_tensor(item):
            tensors[name or "output"] = item
        elif inner is None:
            left.append(f"{name or 'output'} ({type(item).__name__})")
        else:
            for key, part in inner:
                visit(f"{name}.{key}" if name else str(key), part)

    visit("", result)
    return Results(tensors, tuple(left))


def _inner(item: object) -> Iterator[tuple[object, object]] | None:
    """What an object holds, by key; None for one that is not taken apart."""
    if isinstance(item, Mapping):
        return iter(item.items())
    if isinstance(item, list | tuple):
        return enumerate(item)
    if is_dataclass(item) and not isinstance(item, type):
        return ((part.name, getattr(item, part.name)) for part in fields(item))
    return None
