"""The errors that homolog raises on purpose, each with the exit code it ends the command line with.

An error says what failed, where, what was expected and what was found, and how to go on. Anything else that
reaches a user is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class HomologError(Exception):
    """Base of every error that is meant for the user.

    Args:
        what: one sentence, no full stop: what could not be done.
        where: the file and member, or the layer, it happened at.
        expected: what would have been right.
        found: what was there instead.
        details: further lines, such as the names of every unmatched tensor.
        help: what to do next, with a command to run where there is one.
    """

    exit_code: ClassVar[int] = 3

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        details: Iterable[str] = (),
        help: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.found = found
        self.details = tuple(details)
        self.help = help

    def __str__(self) -> str:
        labelled = (("where", self.where), ("expected", self.expected), ("found", self.found))
        lines = [self.what]
        lines += [f"  {label}: {text}" for label, text in labelled if text is not None]
        lines += [f"  {line}" for line in self.details]
        if self.help is not None:
            lines.append(f"help: {self.help}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, object]:
        """The same facts for ``--json``."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "expected": self.expected,
            "found": self.found,
            "details": list(self.details),
            "help": self.help,
            "exit_code": self.exit_code,
        }


class Mismatch(HomologError):
    """Two networks, or a plan and its networks, do not correspond."""

    exit_code = 1


class Usage(HomologError):
    """The call is wrong, whatever the files hold: a name, a flag, an output that exists already."""

    exit_code = 2


class Unreadable(HomologError):
    """A source is missing, damaged, or not of the format it claims."""

    exit_code = 3


class Unsupported(HomologError):
    """A source is sound, but holds something that homolog does not know."""

    exit_code = 3


class MissingFramework(Unsupported):
    """The job needs a framework that is not installed here."""


class Unsafe(HomologError):
    """A file asks for code to be run. It was not, and will not be."""

    exit_code = 4
