"""Names of Python for what the source calls by paths."""

from __future__ import annotations

import keyword


def identifier(path: str) -> str:
    """A path as a name of Python's."""
    text = "".join(letter if letter.isalnum() else "_" for letter in path)
    return f"_{text}" if text[:1].isdigit() or keyword.iskeyword(text) else text
