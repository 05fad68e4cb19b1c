"""An entry of an exported graph: which operator it is, and what it is given."""

from __future__ import annotations

from typing import Any


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
