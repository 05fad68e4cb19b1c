"""The one other order that a value may lie in, besides the source's own.

It starts where an operator has its axes elsewhere than the source: for Keras at the operators on maps, which it has
channels last; for PyTorch at the permutations around them, for the source had to say its maps in PyTorch's axes there.
From there it goes on through whatever gives one order for another, forwards and backwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from homolog.graph import OpenShape, Value
from homolog.passes.ways import (
    HEADS_LAST,
    Order,
    Target,
    as_map,
    before,
    channels_last,
    fits,
    is_bound,
    is_permutation,
    keeps_axes,
    natural,
    needed,
    permutation,
    permuted,
    way_of,
)
from homolog.trace import CONSTANT, INPUT, PARAMETER, Step, Trace

FREE = (PARAMETER, CONSTANT)
"""What can be laid out in any order when it is written: it costs nothing when the model runs."""
RESHAPES = {"view", "reshape", "flatten", "unflatten", "_unsafe_view"}
"""Operators that cannot give every order, however what they read is laid out."""


def others(trace: Trace, target: Target) -> Mapping[str, Order]:
    """The one other order that a step may have, by its name, for those that have one."""
    search = _Search(trace, target)
    if target == "pytorch":
        search.from_permutations()
        search.backwards()
    for _ in range(2):
        search.forwards()
        search.backwards()
    search.forwards()
    return search.found


def on_maps(trace: Trace) -> set[str]:
    """Steps whose results have the axes of PyTorch's maps: what its operators on maps read and give, and what has the
    same axes as that."""
    beside: dict[str, set[str]] = {}
    found: set[str] = set()
    for step in trace.steps.values():
        for place, value in enumerate(step.values()):
            shape = trace.shape(value)
            if is_bound(step) and place == 0:
                found |= {step.name, value.node} if len(shape) == len(step.shape) else {step.name}
            elif keeps_axes(step, shape) and len(shape) > 2:
                beside.setdefault(step.name, set()).add(value.node)
                beside.setdefault(value.node, set()).add(step.name)
    new = found
    while new:
        new = {name for other in new for name in beside.get(other, ())} - found
        found |= new
    return found


@dataclass
class _Search:
    trace: Trace
    target: Target
    found: dict[str, Order] = field(default_factory=dict)

    def from_permutations(self) -> None:
        """Where axes are only called otherwise, between what has them as PyTorch has a map's and what does not."""
        maps = on_maps(self.trace)
        for step in self.trace.steps.values():
            if not is_permutation(step) or len(step.shape) < 3:
                continue
            (value,) = step.values()
            source, rank = self.trace.steps[value.node], len(step.shape)
            if source.operator in FREE or (step.name in maps) == (value.node in maps):
                continue
            dims = permutation(step, rank)
            if dims == natural(rank):
                continue
            if step.name not in maps:
                self.found[step.name] = permuted(natural(rank), dims)
            elif self._can_give(source, dims):
                self.found[value.node] = dims

    def forwards(self) -> None:
        """The orders that come of others by themselves."""
        for step in self.trace.steps.values():
            if step.name in self.found or step.operator in FREE or not step.shapes:
                continue
            order = needed(step, self.target) or self._given(step)
            if order is not None:
                self.found[step.name] = order

    def _given(self, step: Step) -> Order | None:
        rank = len(step.shape)
        way = way_of(step, self.target)
        for place, value in enumerate(step.values()):
            shape = self.trace.shape(value)
            known = self.found.get(value.node)
            if known is not None and len(known) == len(shape):
                order = way(step, shape, known, place)
                if order is not None and order != natural(rank):
                    return order
            # axes that are only called otherwise: channels-last by nature, or the batch in front
            if known is None and rank > 1 and self.target == "keras":
                order = way(step, shape, natural(len(shape)), place)
                if order != natural(rank) and order in (channels_last(rank), self._rows_first(step)):
                    return order
        return None

    def _rows_first(self, step: Step) -> Order:
        """The order in which rows lie in front that the source has second, behind the steps of a sequence."""
        rank = len(step.shape)
        return (1, 0, *range(2, rank)) if self.trace.batch_axis(Value(step.name)) == 1 else natural(rank)

    def backwards(self) -> None:
        """The orders from which others come by themselves."""
        for step in reversed(list(self.trace.steps.values())):
            wanted = self.found.get(step.name)
            if wanted is None:
                continue
            for place, value in enumerate(step.values()):
                source = self.trace.steps[value.node]
                shape = self.trace.shape(value)
                if value.node in self.found or source.operator in FREE or len(shape) < 3:
                    continue
                for order in (*self._usual(shape), before(step, shape, wanted, self.target) or ()):
                    fitting = len(order) == len(shape) and fits(step, shape, order, place, wanted, self.target)
                    fitting = fitting and order != natural(len(shape))
                    if fitting and self._can_give(source, order):
                        self.found[value.node] = order
                        break

    def _usual(self, shape: OpenShape) -> tuple[Order, ...]:
        """The orders that values have most often, besides the source's."""
        usual = as_map(len(shape), self.target)
        return (usual, HEADS_LAST) if self.target == "keras" else (usual,)

    def _can_give(self, step: Step, order: Order) -> bool:
        """Whether a step can give its result in an order, from some order of each of its inputs."""
        if step.operator == INPUT:
            return self.target == "keras" or order[:1] == (0,)  # the batch is in front, as it is for Keras
        return all(self._can_take(step, place, value, order) for place, value in enumerate(step.values()))

    def _can_take(self, step: Step, place: int, value: Value, order: Order) -> bool:
        shape = self.trace.shape(value)
        known: set[Order] = {natural(len(shape)), as_map(len(shape), self.target)}
        if self.trace.steps[value.node].operator in FREE:
            if step.operator not in RESHAPES:
                return True
        else:
            known |= {*self._usual(shape), self.found.get(value.node, natural(len(shape)))}
            known.add(before(step, shape, order, self.target) or natural(len(shape)))
        return any(fits(step, shape, own, place, order, self.target) for own in known if len(own) == len(shape))
