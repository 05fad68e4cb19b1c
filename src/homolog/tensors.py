"""A tensor that is known before it is read.

Planning needs names, shapes and dtypes; only the transfer needs bytes. A ``TensorRef`` keeps the two apart, and numpy,
half of what it takes to look into a file, is imported when there are bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from homolog.errors import Unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[np.generic]"
Shape = tuple[int, ...]

WIDTHS = {
    "bool": 1,
    **{f"{kind}{bits}": bits // 8 for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{"float16": 2, "float32": 4, "float64": 8, "bfloat16": 2, "complex64": 8, "complex128": 16},
}
"""Bytes of one element, of the common types."""
HALVES = frozenset({"float16", "bfloat16"})
"""The floats of half precision."""
SLAB = 1 << 23
"""Bytes that are compared at a time: what they take besides is used again and again."""


@dataclass(frozen=True)
class TensorRef:
    """One stored tensor: its name, shape and dtype, and how to read it.

    Attributes:
        name: the name its container gives it, e.g. ``features.0.weight`` or ``conv2d/kernel``.
        shape: the length of each axis, in the order it is stored.
        dtype: numpy's name of the element type (``float32``, ``int64``, ``bfloat16``, ``float8_e4m3fn`` …).
        load: reads the array; called again on every read, so that nothing is kept in memory.
        storage: equal for two tensors that share their bytes (tied weights), else None.
        trainable: False for buffers and statistics, None where the container does not say.
    """

    name: str
    shape: Shape
    dtype: str
    load: Callable[[], Array] = field(repr=False, compare=False)
    storage: Hashable = None
    trainable: bool | None = None

    @cached_property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @cached_property
    def nbytes(self) -> int:
        """The number of bytes of a dense copy."""
        return self.size * width_of(self.dtype)

    def read(self) -> Array:
        """The values, checked against the declared shape and dtype."""
        array = self.load()
        if array.shape != self.shape or array.dtype.name != self.dtype:
            raise Unreadable(
                "a tensor is not what its header says",
                where=self.name,
                expected=f"{self.dtype} {self.shape}",
                found=f"{array.dtype.name} {array.shape}",
            )
        return array


def width_of(dtype: str) -> int:
    """Bytes of one element.

    Raises:
        Unreadable: see ``dtype_of``.
    """
    return WIDTHS.get(dtype) or dtype_of(dtype).itemsize


def dtype_of(name: str) -> np.dtype[np.generic]:
    """The numpy dtype of that name, the small floats that numpy itself lacks included.

    Raises:
        Unreadable: neither numpy nor ml_dtypes has an element type of this name.
    """
    import numpy as np

    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes  # registers bfloat16 and the float8 family; needed by few files, so imported late

        kind = getattr(ml_dtypes, name, None)
        if kind is None:
            raise Unreadable(f"unknown element type {name!r}") from None
        found: np.dtype[np.generic] = np.dtype(kind)
        return found


def array_ref(name: str, array: Array, *, trainable: bool | None = None, storage: Hashable = None) -> TensorRef:
    """A reference to an array that is in memory already."""
    return TensorRef(name, array.shape, array.dtype.name, lambda: array, storage=storage, trainable=trainable)


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays are equal bit for bit: NaN payloads and the sign of zero included, dtype and shape too."""
    import numpy as np

    from homolog.contiguity import contiguous

    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.nbytes > SLAB and a.shape[0] > 1:
        rows = max(1, a.shape[0] * SLAB // a.nbytes)
        return all(same_bits(a[place : place + rows], b[place : place + rows]) for place in range(0, a.shape[0], rows))
    unsigned = np.dtype(f"u{a.dtype.itemsize}") if a.dtype.kind != "c" else None
    if unsigned is None:
        return a.tobytes() == b.tobytes()
    return bool(np.array_equal(contiguous(a).view(unsigned), contiguous(b).view(unsigned)))
