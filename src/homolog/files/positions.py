"""Arrays read by position: formats that say where the bytes of a tensor stand share this."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from homolog.errors import Unreadable
from homolog.files.edge import reading
from homolog.tensors import Array, Shape


def read_at(path: Path, start: int, dtype: np.dtype[np.generic], shape: Shape, where: str) -> Array:
    """The array whose bytes stand at one place of a file, in C order; a new one, that may be written to.

    Args:
        path: the file.
        start: where its first byte is.
        dtype: of its elements as stored, byte order included.
        shape: the length of each axis.
        where: for errors.

    Raises:
        Unreadable: the file ends before the array does, or cannot be read.
    """
    values = np.empty(shape, dtype)
    with reading("a tensor cannot be read", where), path.open("rb") as file:
        file.seek(start)
        if file.readinto(values.reshape(-1).view(np.uint8).data) != values.nbytes:
            raise Unreadable("the file ended within a tensor", where=where)
    return values
