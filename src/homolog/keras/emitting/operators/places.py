"""The indices of ``x[i, :, j]``: which axes they pick from, and what they are together."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import cast

import numpy as np

from homolog.graph import OpenShape, Value
from homolog.keras.emitting.call import Call
from homolog.tensors import Array


def wrapped(places: Array, length: int) -> Array:
    """Places counted from the front."""
    found: Array = np.where(np.less(places, 0), places + length, places)
    return found


@dataclass(frozen=True)
class _Index:
    """One index: an array that is known, or a value."""

    axis: int
    value: Value | None
    array: Array | None
    shape: OpenShape


class Places:
    """What ``x`` is indexed with.

    Attributes:
        axes: that are indexed.
        by_rows: whether the first index numbers the rows, so that every row is picked from by its own places.
        shape: of all indices together.
        has_rows: whether they are other ones for every row.
    """

    def __init__(self, call: Call, x: Value, indices: list[object]) -> None:
        self.call, self.x = call, x
        self.lengths = call.shape(x)
        self.indices = self._listed(indices)
        self.axes = [item.axis for item in self.indices]
        self.shape = self._broadcast(self.indices)
        self.by_rows = self._numbers_rows()
        self.picking = self.indices[1:] if self.by_rows else self.indices
        self.has_rows = self._broadcast(self.picking)[:1] == (None,)

    def _listed(self, indices: list[object]) -> list[_Index]:
        found: list[_Index] = []
        axis = 0
        for item in indices:
            if not isinstance(item, Value):
                axis += 1
                continue
            array, shape = self.call.constant(item), self.call.shape(item)
            if self.call.dtype(item) != "bool":
                found.append(_Index(axis, item, array, shape))
                axis += 1
            elif array is None:
                raise self.call.refusal(
                    "a mask as an index: how much it picks only the inputs' values tell", "use torch.where"
                )
            else:
                for part in np.nonzero(array):
                    found.append(_Index(axis, None, part, part.shape))
                    axis += 1
        return found

    @staticmethod
    def _broadcast(indices: list[_Index]) -> OpenShape:
        rank = max((len(item.shape) for item in indices), default=0)
        found: list[int | None] = [1] * rank
        for item in indices:
            for place, length in enumerate(item.shape, start=rank - len(item.shape)):
                found[place] = length if length != 1 else found[place]
        return tuple(found)

    def _numbers_rows(self) -> bool:
        first = self.indices[0]
        if first.value is None or first.axis or self.lengths[0] is not None:
            return False
        counted = self.call.assembler.trace.steps[first.value.node].counted
        return counted is not None and counted + len(self.shape) - len(first.shape) == 0

    def turned(self) -> tuple[str, OpenShape]:
        """The tensor with the axes that are indexed side by side, in front if they were not, and its shape."""
        x = self.call.plain(self.x)
        if self.axes == list(range(self.axes[0], self.axes[-1] + 1)):
            return x, self.lengths
        rest = [axis for axis in range(len(self.lengths)) if axis not in self.axes]
        order = (*self.axes, *rest)
        self.axes = list(range(len(self.axes)))
        return self.call.let(f"ops.transpose({x}, {order!r})"), tuple(self.lengths[axis] for axis in order)

    @property
    def _sizes(self) -> list[int | None]:
        return [self.lengths[item.axis] for item in self.picking]

    @property
    def size(self) -> int | None:
        """How many places the axes have together; None if that is open."""
        return None if None in self._sizes else prod(cast(list[int], self._sizes))

    def constant(self) -> Array | None:
        """The places in all the axes together, if they are known; in the shape of all indices."""
        if any(item.array is None for item in self.picking):
            return None
        steps = self._strides()
        parts = [
            (wrapped(cast(Array, item.array), size) if size is not None else cast(Array, item.array)) * step
            for item, size, step in zip(self.picking, self._sizes, steps, strict=True)
        ]
        if any(np.less(part, 0).any() for part in parts):
            raise self.call.refusal("places counted from the end of the batch")
        found: Array = sum(np.broadcast_arrays(*parts)[1:], np.broadcast_arrays(*parts)[0])
        lacking = len(self.shape) - found.ndim
        return found.reshape((1,) * lacking + found.shape)

    def _strides(self) -> list[int]:
        sizes = self._sizes
        if None in sizes[1:]:
            raise self.call.refusal("places of an open axis behind those of another")
        return [prod(cast(list[int], sizes[place + 1 :])) for place in range(len(sizes))]

    def text(self) -> str:
        """The places in all the axes together."""
        call = self.call
        if len(self.picking) == 1 and self.picking[0].value is not None:
            return call.plain(self.picking[0].value)
        known = self.constant()
        if known is not None:
            return call.assembler.fixed("places", known.astype("int32"), call.step)
        terms = []
        for item, size, step in zip(self.picking, self._sizes, self._strides(), strict=True):
            terms.append(self._term(item, size, step))
        return call.let(" + ".join(terms))

    def _term(self, item: _Index, size: int | None, step: int) -> str:
        """The places of one axis, as a summand of those of all together."""
        call = self.call
        if item.array is not None and size is not None:
            return call.assembler.fixed("places", (wrapped(item.array, size) * step).astype("int32"), call.step)
        text = call.plain(cast(Value, item.value))
        if size is None:
            raise call.refusal("places of the batch's own axis beside those of another")
        text = call.let(f"ops.where({text} < 0, {text} + {size}, {text})")
        return f"{text} * {step}" if step != 1 else text
