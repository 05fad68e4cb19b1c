"""Where the errors of the libraries that parse files become ours: one place, by naming the classes."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homolog.errors import Unreadable

# What h5py, json, pickletools, struct, zipfile and zlib raise on damaged bytes. (UnicodeError is a ValueError;
# NotImplementedError and RecursionError are RuntimeErrors, and so is zipfile's answer to an encrypted member.)
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    OverflowError,
    TypeError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


@contextmanager
def reading(what: str, where: str) -> Iterator[None]:
    """Turns what a parser raises on damaged bytes into ``Unreadable``; errors of ours pass through.

    Keep the body small: a call into the parser, and no logic of ours.
    """
    try:
        yield
    except DAMAGE as error:
        reason = str(error).strip().splitlines()
        found = f"{type(error).__name__}: {reason[0][:200]}" if reason else type(error).__name__
        raise Unreadable(what, where=where, found=found) from error


def strict_json(text: str | bytes, what: str, where: str) -> Any:
    """The value of a JSON text in which no mapping has one name twice: readers disagree on which one counts.

    Raises:
        Unreadable: ``what``, or a name stands twice.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            raise Unreadable("a mapping names something twice", where=where)
        return table

    with reading(what, where):
        return json.loads(text, object_pairs_hook=unique)


@dataclass(frozen=True)
class Stamp:
    """What shows that a file is still the one whose header was read."""

    path: Path
    size: int
    modified: int

    @staticmethod
    def of(path: Path) -> Stamp:
        with reading("the file cannot be read", str(path)):
            status = path.stat()
        return Stamp(path, status.st_size, status.st_mtime_ns)

    def check(self) -> None:
        """Raises ``Unreadable`` when the file has changed since the stamp was taken."""
        if Stamp.of(self.path) != self:
            raise Unreadable(
                "the file changed while it was being read", where=str(self.path), help="run the command again"
            )
