"""Writing a file so that whoever looks sees the old one or the new one, whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from homolog.errors import Usage


@contextmanager
def atomic(out: Path, *, force: bool, inputs: Iterable[Path]) -> Iterator[Path]:
    """Yields a path beside ``out`` to write to, and moves it onto ``out`` once the body has ended well.

    The file written is flushed to disk before it is renamed, and the folder after, so neither a crash nor a full
    disk can leave half a file under the name. When the body raises, what it wrote is removed.

    Raises:
        Usage: ``out`` exists and ``force`` is not set, is a folder, lies in no folder, or is one of the inputs
            (through whatever symbolic or hard link), or the body wrote nothing or could not write.
    """
    refuse(out, force=force, inputs=inputs)
    # The end of the name stays: writers such as Keras choose the format by it.
    draft = out.with_name(f".homolog-{os.urandom(6).hex()}-{out.name}")
    try:
        yield draft
        if not draft.is_file():
            raise Usage("nothing was written", where=str(out))
        _flush(draft)
        if not force and out.exists():
            raise Usage("the output came into being while it was written", where=str(out), help="add --force")
        draft.replace(out)
        _flush(out.parent)
    except OSError as error:
        # What is read turns its errors into Unreadable, so this is the disk being full, or a folder not ours.
        raise Usage("the output cannot be written", where=str(out), found=error.strerror or str(error)) from error
    finally:
        draft.unlink(missing_ok=True)


def refuse(out: Path, *, force: bool, inputs: Iterable[Path]) -> None:
    """Raises Usage where ``atomic`` would, before there is anything to write."""
    if not out.parent.is_dir():
        raise Usage("the folder of the output does not exist", where=str(out), help=f"mkdir -p {out.parent}")
    if out.is_dir():
        raise Usage("the output is a folder", where=str(out), expected="a file name")
    for source in inputs:
        if out.exists() and source.exists() and out.samefile(source):
            raise Usage("the output would replace an input", where=str(out), found=f"the same file as {source}")
    if not force and (out.exists() or out.is_symlink()):
        raise Usage("the output exists", where=str(out), help="choose another name, or add --force")


def _flush(path: Path) -> None:
    """Asks the system to put a file, or a folder's list of names, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
