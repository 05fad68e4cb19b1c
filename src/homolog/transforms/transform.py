"""What a transform is, and chains of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from homolog.tensors import Array, Shape


class Transform(ABC):
    """A change of layout from a tuple of arrays to a tuple of arrays. Its ``str`` is how a plan writes it."""

    @property
    @abstractmethod
    def inverse(self) -> Transform:
        """The transform that undoes this one; a TypeError where there is none."""

    @abstractmethod
    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        """The arrays in the new layout; views where numpy can."""

    @abstractmethod
    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        """What ``__call__`` would do to arrays of these shapes.

        Raises:
            Mismatch: the shapes do not fit the transform.
        """

    @property
    def lossless(self) -> bool:
        """Whether ``inverse`` exists, and gives back every bit."""
        return True

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing, whatever the arrays."""
        return False


Chain = tuple[Transform, ...]
"""Transforms one after the other."""


def apply(chain: Iterable[Transform], arrays: Sequence[Array]) -> tuple[Array, ...]:
    """The arrays taken through every transform in turn."""
    result = tuple(arrays)
    for transform in chain:
        result = transform(result)
    return result


def chain_shapes(chain: Iterable[Transform], shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    """The shapes taken through every transform in turn."""
    result = tuple(shapes)
    for transform in chain:
        result = transform.shapes(result)
    return result


def inverse(chain: Sequence[Transform]) -> Chain:
    """The chain that undoes a chain."""
    return tuple(transform.inverse for transform in reversed(chain))


def lossless(chain: Iterable[Transform]) -> bool:
    """Whether a chain can be undone, bit for bit."""
    return all(transform.lossless for transform in chain)


def chain_text(chain: Iterable[Transform]) -> str:
    """A chain as a plan writes it within one line."""
    return "; ".join(map(str, chain))
