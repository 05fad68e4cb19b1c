"""Files by URL: the part of ``pathlib.Path`` that the readers use, over fsspec.

What a reader asks for is fetched by range, in blocks that are kept while they are likely to be asked for again: the
header of a file of gigabytes is a few hundred kilobytes on the wire.
"""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from homolog.errors import MissingFramework, Unreadable

BLOCK = 1 << 16
KEPT = 128  # blocks; what is larger than one at a time is a tensor, and not kept
_URL = re.compile(r"[a-z][a-z0-9+.-]*://.+")


def is_url(text: str) -> bool:
    """Whether a text names a file by URL (``https://…``, ``s3://…``, ``hf://…``)."""
    return _URL.fullmatch(text) is not None


def place(text: str | Path) -> Path:
    """The file of that name, here or elsewhere.

    Raises:
        MissingFramework: it is elsewhere, and fsspec or what it needs for such a URL is not installed.
    """
    if isinstance(text, str):
        return cast(Path, Remote.at(text)) if is_url(text) else Path(text)  # it is one in all that a reader asks
    return text


@dataclass(frozen=True)
class Status:
    """What ``stat`` tells."""

    st_size: int
    st_mtime_ns: int


class Remote:
    """A file at a URL."""

    def __init__(self, url: str, system: Any, inner: str) -> None:
        self.url, self.system, self.inner = url, system, inner
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    @staticmethod
    def at(url: str) -> Remote:
        """The file at a URL, of which nothing is asked yet."""
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise _missing(url, error) from error
        try:
            system, inner = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise _missing(url, error) from error
        return Remote(url, system, inner)

    def __str__(self) -> str:
        return self.url

    __fspath__ = None  # it has no place in the file system, and whoever needs one says so

    @property
    def name(self) -> str:
        return self.url.partition("?")[0].rpartition("/")[2]

    @property
    def parent(self) -> Remote:
        return Remote.at(self.url.rpartition("/")[0] or self.url)

    def with_name(self, name: str) -> Remote:
        return Remote.at(f"{self.url.rpartition('/')[0]}/{name}")

    def is_file(self) -> bool:
        self.stat()
        return True

    def is_dir(self) -> bool:
        return False

    def exists(self) -> bool:
        """Whether it is in the file system, where it is not."""
        return False

    def resolve(self) -> Remote:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and other.url == self.url

    def __hash__(self) -> int:
        return hash(self.url)

    def stat(self) -> Status:
        """Its size, and a number that is another when it has changed."""
        told = self._ask(lambda: self.system.info(self.inner))
        size = told.get("size")
        if not isinstance(size, int) or told.get("type") == "directory":
            raise Unreadable("a file elsewhere does not say how long it is", where=self.url, help=_DOWNLOAD)
        version = [str(told.get(key)) for key in ("ETag", "etag", "mtime", "LastModified", "last_modified", "created")]
        return Status(size, hash(tuple(version)))

    def open(self, mode: str = "rb", buffering: int = -1) -> BinaryIO:
        """It, to be read from any position."""
        raw = _Reader(self)
        return cast(BinaryIO, raw if buffering == 0 else io.BufferedReader(raw))

    def fetch(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to ``end``, fewer where the file ends."""
        if end - start > BLOCK:
            return self._range(start, end)
        pieces = []
        for number in range(start // BLOCK, (end + BLOCK - 1) // BLOCK):
            block = self._blocks.get(number)
            if block is None:
                block = self._blocks[number] = self._range(number * BLOCK, (number + 1) * BLOCK)
            self._blocks.move_to_end(number)
            while len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
            pieces.append(block[max(0, start - number * BLOCK) : end - number * BLOCK])
        return b"".join(pieces)

    def _range(self, start: int, end: int) -> bytes:
        end = min(end, self.stat().st_size)
        if start >= end:
            return b""
        data = bytes(self._ask(lambda: self.system.cat_file(self.inner, start=start, end=end)))
        if len(data) != end - start:
            raise Unreadable(
                "a server did not send the part that was asked for",
                where=self.url,
                expected=f"{end - start:,} bytes",
                found=f"{len(data):,}",
                help=_DOWNLOAD,
            )
        return data

    def _ask(self, question: Any) -> Any:
        try:
            return question()
        except FileNotFoundError as error:
            # Some say so of a server that does not answer, too.
            raise Unreadable("there is no such file", where=self.url, found=str(error)[:300]) from error
        # Each of fsspec's file systems has errors of its own.
        except Exception as error:
            found = f"{type(error).__name__}: {error}"[:300]
            raise Unreadable("a file elsewhere cannot be read", where=self.url, found=found) from error


_DOWNLOAD = "download it first, and name the file"


def _missing(url: str, error: Exception) -> MissingFramework:
    return MissingFramework(
        "what reads such a URL is not installed",
        where=url,
        found=str(error)[:300],
        help="pip install 'homolog[remote]'",
    )


class _Reader(io.RawIOBase):
    """A cursor in a remote file."""

    def __init__(self, remote: Remote) -> None:
        self.remote, self.position = remote, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        end = self.remote.stat().st_size if whence == io.SEEK_END else 0
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: end}[whence]
        return self.position

    def readinto(self, buffer: Any) -> int:
        data = self.remote.fetch(self.position, self.position + len(buffer))
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)
