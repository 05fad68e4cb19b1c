"""Arrays read by position: formats that say where the bytes of a tensor stand share this."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from homolog.errors import Unreadable
from homolog.files.edge import reading
from homolog.tensors import Array, Shape

if TYPE_CHECKING:
    import numpy as np


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
    import numpy as np

    values = np.empty(shape, dtype)
    read_into(path, start, values, where)
    return values


def read_into(path: Path, start: int, values: Array, where: str) -> None:
    """Fills an array in C order with the bytes that stand at one place of a file.

    Raises:
        Unreadable: the file ends before the array is full, or cannot be read.
    """
    import numpy as np

    with reading("a tensor cannot be read", where), path.open("rb") as file:
        file.seek(start)
        if file.readinto(values.reshape(-1).view(np.uint8).data) != values.nbytes:
            raise Unreadable("the file ended within a tensor", where=where)
