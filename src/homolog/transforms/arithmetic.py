"""Transforms that compute: where one framework keeps two numbers and the other their sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from homolog.errors import Mismatch
from homolog.tensors import Array, Shape, dtype_of
from homolog.transforms.transform import Transform


@dataclass(frozen=True)
class Fill(Transform):
    """No array, and one of a constant: a bias that the source does not have is zero, a scale is one."""

    value: float
    shape: Shape
    dtype: str

    @property
    def inverse(self) -> Transform:
        raise TypeError("a constant tells of no source")

    @property
    def lossless(self) -> bool:
        return False

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        if shapes:
            raise Mismatch("a constant is made of no tensor", where=str(self), found=f"{len(shapes)} tensors")
        return (self.shape,)

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        import numpy as np

        self.shapes([array.shape for array in arrays])
        return (np.full(self.shape, self.value, dtype_of(self.dtype)),)

    def __str__(self) -> str:
        return f"fill {self.value!r} {self.dtype} {' '.join(map(str, self.shape))}".rstrip()


class _Lossy(Transform):
    """Several arrays of which less is left."""

    @property
    def inverse(self) -> Transform:
        raise TypeError("what is left does not tell the parts")

    @property
    def lossless(self) -> bool:
        return False

    def _fit(self, shapes: Sequence[Shape]) -> None:
        import numpy as np

        if len(shapes) < 2 or any(np.broadcast_shapes(shapes[0], shape) != shapes[0] for shape in shapes[1:]):
            raise Mismatch("shapes do not go together", where=str(self), found=", ".join(map(str, shapes)))


@dataclass(frozen=True)
class Sum(_Lossy):
    """The sum of all. Two biases that are always added are one; on the way back the first gets it, the rest zero."""

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        self._fit(shapes)
        return (shapes[0],)

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        import numpy as np

        self._fit([array.shape for array in arrays])
        return (reduce(np.add, arrays),)

    def __str__(self) -> str:
        return "sum"


class _Binary(_Lossy):
    """The first two arrays become one; those behind them stay, for the next transform."""

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        self._fit(shapes[:2])
        return (shapes[0], *shapes[2:])


@dataclass(frozen=True)
class Less(_Binary):
    """The first less the second: a bias in front of a batch norm is the same as a smaller moving mean."""

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        import numpy as np

        self._fit([array.shape for array in arrays[:2]])
        return (np.subtract(arrays[0], arrays[1]), *arrays[2:])

    def __str__(self) -> str:
        return "less"


@dataclass(frozen=True)
class Times(_Binary):
    """The first times the second: the scale of a batch norm, in the kernel in front of it."""

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        import numpy as np

        self._fit([array.shape for array in arrays[:2]])
        return (np.multiply(arrays[0], arrays[1]), *arrays[2:])

    def __str__(self) -> str:
        return "times"
