"""Transforms that take arrays apart, put them together, and reorder blocks of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from homolog.errors import Mismatch
from homolog.tensors import Array, Shape
from homolog.transforms.transform import Chain, Transform, apply, chain_shapes, chain_text, inverse, lossless


@dataclass(frozen=True)
class Part(Transform):
    """A slice of one array along one axis, e.g. the query's rows of a packed projection.

    By itself it cannot be undone; the parts that together cover an array are put together by ``Concat``.
    """

    axis: int
    start: int
    stop: int

    @property
    def inverse(self) -> Transform:
        raise TypeError("a part alone does not tell the whole")

    @property
    def lossless(self) -> bool:
        return False

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        (shape,) = shapes
        if not self.axis < len(shape) or not 0 <= self.start < self.stop <= shape[self.axis]:
            raise Mismatch("a shape does not hold this part", where=str(self), found=f"shape {shape}")
        return ((*shape[: self.axis], self.stop - self.start, *shape[self.axis + 1 :]),)

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        (array,) = arrays
        self.shapes([array.shape])
        return (array[(slice(None),) * self.axis + (slice(self.start, self.stop),)],)

    def __str__(self) -> str:
        return f"part {self.start}:{self.stop} of axis {self.axis}"


@dataclass(frozen=True)
class Concat(Transform):
    """Several arrays, one behind the other along an axis, with these lengths."""

    axis: int
    lengths: tuple[int, ...]

    @property
    def inverse(self) -> Split:
        return Split(self.axis, self.lengths)

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        rest = {(*shape[: self.axis], *shape[self.axis + 1 :]) for shape in shapes}
        if len(rest) != 1 or tuple(shape[self.axis] for shape in shapes) != self.lengths:
            raise Mismatch("shapes do not fit together", where=str(self), found=", ".join(map(str, shapes)))
        first = shapes[0]
        return ((*first[: self.axis], sum(self.lengths), *first[self.axis + 1 :]),)

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        import numpy as np

        self.shapes([array.shape for array in arrays])
        return (np.concatenate(arrays, axis=self.axis),)

    def __str__(self) -> str:
        return f"concat {' '.join(map(str, self.lengths))} along axis {self.axis}"


@dataclass(frozen=True)
class Split(Transform):
    """One array, cut along an axis into arrays of these lengths."""

    axis: int
    lengths: tuple[int, ...]

    @property
    def inverse(self) -> Concat:
        return Concat(self.axis, self.lengths)

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return tuple(shape for part in self._parts() for shape in part.shapes(shapes))

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        return tuple(array for part in self._parts() for array in part(arrays))

    def _parts(self) -> list[Part]:
        return [Part(self.axis, start, stop) for start, stop in pairwise(accumulate(self.lengths, initial=0))]

    def __str__(self) -> str:
        return f"split {' '.join(map(str, self.lengths))} along axis {self.axis}"


@dataclass(frozen=True)
class Each(Transform):
    """Several arrays, each taken through a chain of its own."""

    chains: tuple[Chain, ...]

    @property
    def inverse(self) -> Each:
        return Each(tuple(inverse(chain) for chain in self.chains))

    @property
    def lossless(self) -> bool:
        return all(lossless(chain) for chain in self.chains)

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return tuple(
            out for chain, shape in zip(self.chains, shapes, strict=True) for out in chain_shapes(chain, [shape])
        )

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        return tuple(out for chain, array in zip(self.chains, arrays, strict=True) for out in apply(chain, [array]))

    def __str__(self) -> str:
        return "each " + " ".join(f"[{chain_text(chain)}]" for chain in self.chains)


@dataclass(frozen=True)
class Blocks(Transform):
    """Equal blocks along an axis, in another order: the gates of a recurrent layer.

    ``order`` says for each block of the result which block of the array it is; each is there once, or it is a
    ``ValueError``.
    """

    axis: int
    order: tuple[int, ...]

    def __post_init__(self) -> None:
        if sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"a transform has each block once: {' '.join(map(str, self.order))}")

    @property
    def inverse(self) -> Blocks:
        return Blocks(self.axis, tuple(self.order.index(block) for block in range(len(self.order))))

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        (shape,) = shapes
        if not self.axis < len(shape) or shape[self.axis] % len(self.order):
            raise Mismatch("a shape does not fall into these blocks", where=str(self), found=f"shape {shape}")
        return (shape,)

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        import numpy as np

        (array,) = arrays
        self.shapes([array.shape])
        pieces = np.split(array, len(self.order), axis=self.axis)
        return (np.concatenate([pieces[block] for block in self.order], axis=self.axis),)

    def __str__(self) -> str:
        return f"blocks {' '.join(map(str, self.order))} of axis {self.axis}"
