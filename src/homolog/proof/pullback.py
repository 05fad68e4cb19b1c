"""Gradients taken back through a plan: from a tensor of the target to the tensors of the source that it is made of.

If ``target = transform(sources)`` makes two networks one function, then the gradient by the sources is that by the
target, taken back through the transform (the chain rule). What reorders takes gradients along like weights; where two
biases are added, each has the whole gradient of their sum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from homolog.tensors import Array, Shape
from homolog.transforms import Chain, Each, Fill, Less, Part, Sum, Times, Transform, chain_shapes


def pulled(chain: Chain, arrays: Sequence[Array], gradients: Sequence[Array]) -> tuple[Array, ...]:
    """The gradients by what goes into a chain.

    Args:
        chain: what is done to the arrays.
        arrays: what goes in.
        gradients: by what comes out.
    """
    steps: list[tuple[Transform, tuple[Array, ...]]] = []
    now = tuple(arrays)
    for transform in chain:
        steps.append((transform, now))
        now = transform(now)
    found = tuple(gradients)
    for transform, given in reversed(steps):
        found = _back(transform, given, found)
    return found


def _back(transform: Transform, given: Sequence[Array], found: tuple[Array, ...]) -> tuple[Array, ...]:
    """The gradients by what goes into one transform."""
    if isinstance(transform, Fill):
        return ()
    if isinstance(transform, Part):
        whole = np.zeros(given[0].shape, found[0].dtype)
        transform([whole])[0][...] = found[0]  # a view
        return (whole,)
    if isinstance(transform, Sum):
        return tuple(_summed(found[0], array.shape) for array in given)
    if isinstance(transform, Less):
        return (found[0], np.negative(_summed(found[0], given[1].shape)), *found[1:])
    if isinstance(transform, Times):
        one, two = given[:2]
        return (np.multiply(found[0], two), _summed(np.multiply(found[0], one), two.shape), *found[1:])
    if isinstance(transform, Each):
        parts: list[Array] = []
        at = 0
        for chain, array in zip(transform.chains, given, strict=True):
            count = len(chain_shapes(chain, [array.shape]))
            parts += pulled(chain, [array], found[at : at + count])
            at += count
        return tuple(parts)
    return transform.inverse(found)  # a rearrangement


def _summed(gradient: Array, shape: Shape) -> Array:
    """The gradient by an array of this shape that was broadcast."""
    extra = gradient.ndim - len(shape)
    repeated = tuple(axis for axis in range(gradient.ndim) if axis < extra or shape[axis - extra] == 1)
    found: Array = gradient.sum(axis=repeated).reshape(shape)
    return found
