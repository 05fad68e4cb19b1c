"""How names are searched for, and how names, shapes and sizes are written for people."""

from __future__ import annotations

import re
from collections.abc import Sequence

from homolog.errors import Usage


def pattern(word: str | None) -> re.Pattern[str]:
    """A word or regular expression to search names for; upper and lower case are the same, None finds all.

    Raises:
        Usage: it is no valid regular expression.
    """
    try:
        return re.compile(word or "", re.IGNORECASE)
    except re.error as error:
        raise Usage(
            f"a search word is no regular expression: {error}",
            found=repr(word),
            help=f"to search for these very characters: {re.escape(word or '')}",
        ) from error


def visible(text: str) -> str:
    """The text with everything escaped that a terminal might obey: names come from files that nobody vouches for."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def shape_text(shape: Sequence[int | None]) -> str:
    """``(None, 28, 28, 6)``, as both frameworks write it."""
    return str(tuple(shape))


def size_text(nbytes: int) -> str:
    """``1.4 MiB``; below a KiB in bytes."""
    size, units = float(nbytes), ["KiB", "MiB", "GiB", "TiB"]
    if nbytes < 1024:
        return f"{nbytes} bytes"
    unit = ""
    while size >= 1024 and units:
        size, unit = size / 1024, units.pop(0)
    return f"{size:.1f} {unit}"
