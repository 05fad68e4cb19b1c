"""What a careless conversion does to weights: each function makes a change of one tensor or two."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bench.mutants.mutant import Array, Change, Weights


def _each(names: Sequence[str], change: Callable[[Array], Array]) -> Change:
    def apply(weights: Weights) -> None:
        for name in names:
            weights[name] = np.ascontiguousarray(change(weights[name]), dtype=np.float32)

    return apply


def zeroed(*names: str) -> Change:
    """Tensors that nobody copied, and that are zero as they are made."""
    return _each(names, np.zeros_like)


def filled(value: float, *names: str) -> Change:
    """Tensors that are still the constant they are made with."""
    return _each(names, lambda array: np.full_like(array, value))


def fresh_statistics(*norms: str) -> Change:
    """The statistics of batch norms of Keras as they are made."""

    def apply(weights: Weights) -> None:
        for norm in norms:
            filled(0, f"{norm}/moving_mean")(weights)
            filled(1, f"{norm}/moving_variance")(weights)

    return apply


def scaled(name: str, factor: float) -> Change:
    """One tensor times a factor."""
    return _each([name], lambda array: array * factor)


def nudged(name: str, by: float = 0.05) -> Change:
    """One number of one tensor changed."""

    def change(array: Array) -> Array:
        moved = array.copy()
        moved.flat[moved.size // 2] += by
        return moved

    return _each([name], change)


def flipped(name: str, *axes: int) -> Change:
    """A tensor back to front along some axes."""
    return _each([name], lambda array: np.flip(array, axes))


def swapped_axes(name: str, one: int, two: int) -> Change:
    """A tensor transposed, where its shape does not tell."""
    return _each([name], lambda array: np.swapaxes(array, one, two))


def rolled(name: str, by: int, axis: int = 0) -> Change:
    """A table that begins some rows later."""
    return _each([name], lambda array: np.roll(array, by, axis))


def rooted(name: str) -> Change:
    """A deviation where a variance should be."""
    return _each([name], np.sqrt)


def through_half(*names: str) -> Change:
    """Weights that were once stored as float16; all of them if no name is given."""

    def apply(weights: Weights) -> None:
        for name in names or tuple(weights):
            weights[name] = weights[name].astype(np.float16).astype(np.float32)

    return apply


def swapped(*pairs: tuple[str, str]) -> Change:
    """Tensors of one shape, each in the other's place."""

    def apply(weights: Weights) -> None:
        for one, two in pairs:
            weights[one], weights[two] = weights[two], weights[one]

    return apply


def regated(order: Sequence[int], *names: str, axis: int = -1) -> Change:
    """The gates of a recurrent layer in another order."""

    def change(array: Array) -> Array:
        gates = np.split(array, len(order), axis)
        return np.concatenate([gates[place] for place in order], axis)

    return _each(names, change)


def rearranged(name: str, shape: Sequence[int], order: Sequence[int]) -> Change:
    """A tensor whose rows run along several axes, in another order of these."""
    return _each([name], lambda array: array.reshape(*shape).transpose(*order).reshape(array.shape))
