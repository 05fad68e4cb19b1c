"""Operators of ATen that have two names: the second is the one that is written, matched and documented."""

from __future__ import annotations

ALIASES = {
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "not_equal": "ne",
    "multiply": "mul",
    "subtract": "sub",
}
"""Of the same arguments; from PyTorch's ``native_functions.yaml``, where they are said to be aliases."""


def plain(name: str) -> str:
    """The name of what an operator computes, without its namespace: that of one that works in place, and an alias, is
    the other's."""
    own = name[:-1] if name.endswith("_") and not name.endswith("__") else name
    return ALIASES.get(own, own)
