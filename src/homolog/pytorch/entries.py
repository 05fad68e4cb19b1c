"""An entry of an exported graph: which operator it is, what it is given, where it comes from, what it leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from homolog.pytorch.aliases import plain


def short(entry: Any) -> str:
    """The operator's name without its package and overload; of a function of Python's, the function's."""
    schema = getattr(entry.target, "_schema", None)
    return schema.name.partition("::")[2] if schema is not None else getattr(entry.target, "__name__", "")


def arguments_of(entry: Any) -> dict[str, Any]:
    """Every argument of the call by the name its schema gives it and in its order, defaults included."""
    schema = entry.target._schema.arguments if hasattr(entry.target, "_schema") else ()
    given = {argument.name: value for argument, value in zip(schema, entry.args, strict=False)}
    given.update(entry.kwargs)
    named = {
        argument.name: given.get(argument.name, argument.default_value)
        for argument in schema
        if argument.name in given or argument.has_default_value()
    }
    if not schema:
        named.update({f"argument{index}": value for index, value in enumerate(entry.args)})
    named.update(entry.kwargs)
    return named


def operator_of(entry: Any) -> tuple[str, str]:
    """Name and overload; of what works in place those of the functional one."""
    target = entry.target
    if not hasattr(target, "_schema"):
        return str(getattr(target, "__name__", target)), ""
    space, _, name = target._schema.name.partition("::")
    overload = target._schema.overload_name
    if space not in ("aten", "homolog"):  # homolog's own are PyTorch's under the same name (chunks.py)
        return f"{space}::{name}", overload
    return plain(name), overload


def place_of(entry: Any) -> str:
    """The line of the user's source that an operator comes from."""
    lines: Iterator[str] = (line.strip() for line in reversed((entry.meta.get("stack_trace") or "").splitlines()))
    found = next((line for line in lines if line.startswith("File ") and "torch/nn/" not in line), "")
    parts = found.removeprefix("File ").split(", ")
    return f"{parts[0].strip(chr(34))}:{parts[1].removeprefix('line ')}" if len(parts) > 1 else ""


def is_open(length: Any) -> bool:
    """Whether the inputs tell a length when the program runs; one that PyTorch found to be a number may still be
    written as a symbol."""
    return not isinstance(length, int) and bool(length.node.expr.free_symbols)
