"""Inputs of a proof in a file: ``.npz``, as ``numpy.savez`` writes it, an array for each input by its name."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from tokenize import TokenError

import numpy as np

from homolog.errors import Unreadable, Usage
from homolog.files.atomic import atomic
from homolog.tensors import Array

ENDING = ".npy"
UNNAMED = re.compile(r"arr_(\d+)")
"""What ``numpy.savez`` calls arrays that it is given without names."""
DAMAGED = (
    *(ValueError, SyntaxError, TokenError),  # an array of objects; a header, which is read as Python and never run
    *(OverflowError, MemoryError),  # a header that promises too much
    *(OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error),
    RuntimeError,  # encrypted, or compressed in a way that Python does not know
)
"""What numpy raises of files that are none of its own."""


def load_inputs(path: str | Path) -> dict[str, Array]:
    """The arrays of a file by name, in its order. Nothing in it is run: Python objects are refused.

    Raises:
        Unreadable: there is no such file, it is no ``.npz``, is damaged, is empty, or holds objects or text.
    """
    file = Path(path)
    if not file.is_file():
        raise Unreadable("there is no such file of inputs", where=str(file), expected="an .npz file")
    if not zipfile.is_zipfile(file):
        raise Unreadable(
            "this is no file of inputs", where=str(file), expected=".npz, as numpy.savez writes it", help=_HOW
        )
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except DAMAGED as error:
        raise Unreadable(
            "the inputs cannot be read",
            where=str(file),
            expected="plain arrays of numbers",
            found=str(error).splitlines()[0] if str(error) else type(error).__name__,
            help=_HOW,
        ) from error
    wrong = [f"{name}: {array.dtype}" for name, array in arrays.items() if array.dtype.kind not in "biuf"]
    if wrong or not arrays:
        raise Unreadable(
            "the file holds no inputs that a network could take",
            where=str(file),
            expected="an array of whole numbers, real numbers or truth values for each input",
            found=", ".join(wrong) or "no arrays",
            help=_HOW,
        )
    return arrays


def save_inputs(
    path: str | Path, arrays: Mapping[str, Array], *, force: bool = False, beside: Iterable[Path] = ()
) -> None:
    """Write arrays by name to an ``.npz`` that ``load_inputs`` gives back bit for bit.

    The file is written beside its place and moved there. It is written member by member: ``numpy.savez`` takes some
    names of arrays for arguments of its own.

    Args:
        path: ends in ``.npz``.
        arrays: by the names of the inputs.
        force: replace a file.
        beside: files that are read in the same run, which must not be replaced.

    Raises:
        Usage: the file exists and ``force`` is not given, its name does not end in ``.npz``, or nothing can be
            written there.
    """
    out = Path(path)
    if out.suffix != ".npz":
        raise Usage("the name of a file of inputs must end in .npz", where=str(out), help=f"{out.stem}.npz")
    with atomic(out, force=force, inputs=beside) as draft, zipfile.ZipFile(draft, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(name + ENDING), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


_HOW = "numpy.savez(file, name=array, …) writes one, and so does homolog verify --save-inputs"
