"""Transforms that compute: where one framework keeps two numbers and the other their sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

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
        self.shapes([array.shape for array in arrays])
        return (np.full(self.shape, self.value, dtype_of(self.dtype)),)

    def __str__(self) -> str:
        return f"fill {self.value!r} {self.dtype} {' '.join(map(str, self.shape))}".rstrip()


class _Together(Transform):
    """Several arrays of broadcastable shapes, and one of the first one's shape."""

    @property
    def inverse(self) -> Transform:
        raise TypeError("a sum does not tell its parts")

    @property
    def lossless(self) -> bool:
        return False

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        first, *rest = shapes
        if not rest or any(np.broadcast_shapes(first, shape) != first for shape in rest):
            raise Mismatch("shapes do not go together", where=str(self), found=", ".join(map(str, shapes)))
        return (first,)


@dataclass(frozen=True)
class Sum(_Together):
    """Their sum. Two biases that are always added are one; on the way back the first gets it all, the rest zero."""

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        self.shapes([array.shape for array in arrays])
        return (reduce(np.add, arrays),)

    def __str__(self) -> str:
        return "sum"


@dataclass(frozen=True)
class Less(_Together):
    """The first less the others: a bias in front of a batch norm is the same as a smaller moving mean."""

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        self.shapes([array.shape for array in arrays])
        return (reduce(np.subtract, arrays),)

    def __str__(self) -> str:
        return "less"


@dataclass(frozen=True)
class Times(_Together):
    """The first times the others: the scale of a batch norm, in the kernel in front of it."""

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        self.shapes([array.shape for array in arrays])
        return (reduce(np.multiply, arrays),)

    def __str__(self) -> str:
        return "times"
