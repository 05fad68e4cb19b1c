"""Writing a folder so that whoever looks sees the old one or the new one, whole."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homolog.errors import Usage


@contextmanager
def atomic_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """Yields an empty folder beside ``out`` to write into, and moves it to ``out`` once the body has ended well.

    When the body raises, what it wrote is removed. A folder that was there is moved aside, and is gone once the new
    one is in its place.

    Raises:
        Usage: ``out`` exists and ``force`` is not set, or cannot be written.
    """
    refuse_folder(out, force=force)
    draft = out.with_name(f".homolog-{secrets.token_hex(6)}-{out.name}")
    old = out.with_name(f".homolog-{secrets.token_hex(6)}-old")
    try:
        draft.mkdir()
        yield draft
        _flush(draft)
        refuse_folder(out, force=force)  # it may have come into being
        if out.exists():
            out.rename(old)
        draft.rename(out)
    except OSError as error:
        raise Usage("the folder cannot be written", where=str(out), found=error.strerror or str(error)) from error
    finally:
        if old.exists() and not out.exists():
            old.rename(out)
        for left in (draft, old):
            shutil.rmtree(left, ignore_errors=True)


def refuse_folder(out: Path, *, force: bool) -> None:
    """Raises Usage where ``atomic_folder`` would, before there is anything to write.

    With ``force`` a folder is replaced only if it was written by a translation, or is empty: whoever names a folder of
    their own by mistake loses nothing.
    """
    if not out.parent.is_dir():
        raise Usage("the folder around the output does not exist", where=str(out), help=f"mkdir -p {out.parent}")
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise Usage("the output is no folder", where=str(out), expected="a folder that does not exist yet")
    if not force:
        raise Usage("the output exists", where=str(out), help="choose another name, or add --force")
    if any(out.iterdir()) and not all((out / name).is_file() for name in ("model.py", "plan.toml")):
        raise Usage(
            "the output is a folder that no translation wrote",
            where=str(out),
            expected="one with model.py and plan.toml, or an empty one",
            help="choose another name",
        )


def _flush(folder: Path) -> None:
    """Asks the system to put the files, and the list of their names, on the disk."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
