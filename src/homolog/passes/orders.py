"""Chooses for every value the order of its axes, such that the fewest numbers are moved.

Every value may lie in the source's own order or in one other: that in which it comes if the maps around it lie as the
target has them, channels last for Keras and first for PyTorch. Which of the two it is, for all values at once, is a
binary labelling whose cost is the size of what has to be transposed; its minimum is a minimum cut (Boykov, Veksler and
Zabih, "Fast approximate energy minimization via graph cuts", 2001, section 7; Kolmogorov and Zabih, "What energy
functions can be minimized via graph cuts?", 2004).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np

from homolog.graph import Value
from homolog.passes.effects import counts_time_first
from homolog.passes.others import FREE, on_maps, others
from homolog.passes.ways import TIME_SECOND, Order, Target, as_map, fits, is_flat, natural, needed
from homolog.trace import INPUT, Step, Trace

NEVER = 1 << 28
OWN, OTHER, EITHER = (0, NEVER // 2), (NEVER // 2, 0), (0, 0)
"""What it costs an input or output to lie in the one order and in the other: where it is to lie in the source's, in its
other, and where it lies as it moves least."""
OPEN_LENGTH = 8
"""Stands for an open length in the size of a value."""
PERMUTATION = 64
"""What one costs in PyTorch, beside the logarithm of a size: there are to be few, before they are to be small."""


def orders(trace: Trace, *, keep: bool = False, target: Target = "keras") -> dict[str, Order]:
    """The order of the outputs of every step.

    Args:
        trace: of the network.
        keep: whether inputs and outputs are to lie in the source's own order.
        target: the framework that the trace is written for.
    """
    choice = _Choice(trace, target, keep, others(trace, target))
    last = choice.cut()
    return {
        name: choice.other[name] if name in last else natural(len(step.shape))
        for name, step in trace.steps.items()
        if step.shapes
    }


@dataclass
class _Network:
    """A flow network whose minimum cuts are the cheapest choices: who is left on the source's side lies in its other
    order.

    Attributes:
        places: of the steps that have a choice; the source is 0, the sink 1.
        edges: capacities.
    """

    places: Mapping[str, int]
    edges: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, one: int, two: int, cost: int) -> None:
        """What is paid where the first is on the source's side, and the second is not."""
        if cost > 0:
            self.edges[one, two] = min(self.edges.get((one, two), 0) + cost, NEVER)

    def alone(self, name: str, own: int, alt: int) -> None:
        """What either order of one step costs."""
        self.add(0, self.places[name], own)
        self.add(self.places[name], 1, alt)

    def pair(self, one: str, two: str, costs: Sequence[Sequence[int]]) -> None:
        """What two steps' orders cost at once (Kolmogorov and Zabih, section 4)."""
        (a, b), (c, d) = ([min(cost, NEVER) for cost in row] for row in costs)
        d = min(d, b + c - a)  # what no cut can express; it occurs where a step has both orders from one
        self.alone(one, max(a - c, 0), max(c - a, 0))
        self.alone(two, max(c - d, 0), max(d - c, 0))
        self.add(self.places[two], self.places[one], b + c - a - d)

    def cut(self) -> set[str]:
        """Names of the steps on the source's side of a minimum cut."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow

        if not self.edges:
            return set()
        rows, columns = (np.array(side) for side in zip(*self.edges, strict=True))
        costs = np.array(list(self.edges.values()), np.int32)
        capacity = csr_array((costs, (rows, columns)), shape=(len(self.places) + 2,) * 2)
        left = csr_array(capacity - maximum_flow(capacity, 0, 1).flow)
        left.data = np.where(left.data > 0, left.data, 0)
        left.eliminate_zeros()
        reached = set(breadth_first_order(left, 0, return_predecessors=False).tolist())
        return {name for name, place in self.places.items() if place in reached}


@dataclass(frozen=True)
class _Choice:
    """Between the source's order and the other, for every step that has one."""

    trace: Trace
    target: Target
    keep: bool
    other: Mapping[str, Order]

    def cut(self) -> set[str]:
        """Names of the steps whose outputs lie in their other order."""
        trace, other = self.trace, self.other
        network = _Network({name: place for place, name in enumerate(other, start=2)})
        ends = {value.node for value in trace.outputs.values()}
        for name in other:
            step = trace.steps[name]
            if needed(step, self.target) is not None:
                network.alone(name, NEVER, 0)
            elif step.operator == INPUT or name in ends:
                network.alone(name, *self._at_the_end(name, other[name]))
            if counts_time_first(step) and other[name] == TIME_SECOND and self.target == "keras":
                sizes = [self._size(value) for value in (next(step.values()), Value(name))]
                network.alone(name, sum(sizes), 0)  # its layers turn what they read, and what they give back
        for step in trace.steps.values():
            for place, value in enumerate(step.values()):
                if trace.steps[value.node].operator in FREE:
                    continue
                costs = self._costs(step, place, value)
                if step.name in other and value.node in other:
                    network.pair(step.name, value.node, costs)
                elif step.name in other:
                    network.alone(step.name, costs[0][0], costs[1][0])
                elif value.node in other:
                    network.alone(value.node, costs[0][0], costs[0][1])
        return network.cut()

    def _at_the_end(self, name: str, order: Order) -> tuple[int, int]:
        """What it costs an input or output to lie as the source has it, and in its other order."""
        turned = order[:1] != (0,)
        is_map = order == as_map(len(order), self.target)
        if self.keep or is_flat(order):
            return OWN
        if self.target == "pytorch":  # rows come first in Keras, so they do here
            return OWN if turned else OTHER if is_map and len(order) > 3 else EITHER
        if turned:  # of logits of every row with every other, rows come first in either
            return OWN if self.trace.batch_axis(Value(name)) == 0 else OTHER
        is_output = self.trace.steps[name].operator != INPUT
        if is_output and len(order) == 3 and name not in self._on_maps:
            return OWN  # no map, or one no more: how alike the steps of a sequence are, places in one axis
        return OTHER if is_map and order in self._maps else EITHER

    @cached_property
    def _on_maps(self) -> set[str]:
        """Steps whose results have the axes of maps."""
        return on_maps(self.trace)

    @cached_property
    def _maps(self) -> set[Order | None]:
        """The orders that some operators on maps work in alone."""
        return {needed(step, self.target) for step in self.trace.steps.values()}

    def _costs(self, step: Step, place: int, value: Value) -> list[list[int]]:
        """What is moved between a value and a step that reads it: for the step's own and other order (rows), and the
        value's."""
        shape, size = self.trace.shape(value), self._size(value)
        if not step.shapes:
            return [[0, 0], [0, 0]]
        results = [natural(len(step.shape)), self.other.get(step.name, natural(len(step.shape)))]
        given = [natural(len(shape)), self.other.get(value.node, natural(len(shape)))]
        if len(given[1]) != len(shape):
            given[1] = given[0]

        def cost(order: Order, result: Order) -> int:
            fitting = fits(step, shape, order, place, result, self.target)
            return 0 if fitting else NEVER if is_flat(order) else size

        return [[cost(order, result) for order in given] for result in results]

    def _size(self, value: Value) -> int:
        """What it costs to move a value: the numbers that are moved. For PyTorch, which only calls the axes otherwise,
        nearly the same whichever it is; the larger is left where it is of two that could be moved."""
        lengths = prod(OPEN_LENGTH if length is None else length for length in self.trace.shape(value))
        return lengths // 64 + 1 if self.target == "keras" else PERMUTATION + lengths.bit_length()
