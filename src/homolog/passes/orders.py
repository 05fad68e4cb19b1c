"""Chooses for every value the order of its axes, such that the fewest numbers are moved.

Every value may lie in the source's own order or in one other: that in which it comes if the maps around it lie
channels-last. Which of the two it is, for all values at once, is a binary labelling whose cost is the size of what has
to be transposed; its minimum is a minimum cut (Boykov, Veksler and Zabih, "Fast approximate energy minimization via
graph cuts", 2001, section 7; Kolmogorov and Zabih, "What energy functions can be minimized via graph cuts?", 2004).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from homolog.graph import Value
from homolog.passes.ways import HEADS_LAST, Order, before, channels_last, fits, is_flat, natural, needed, way_of
from homolog.trace import CONSTANT, INPUT, PARAMETER, Step, Trace

FREE = (PARAMETER, CONSTANT)
"""What can be laid out in any order when it is written: it costs nothing when the model runs."""
RESHAPES = {"view", "reshape", "flatten", "unflatten", "_unsafe_view"}
"""Operators that cannot give every order, however what they read is laid out."""
NEVER = 1 << 28
OPEN_LENGTH = 8
"""Stands for an open length in the size of a value."""


def orders(trace: Trace, *, keep: bool = False) -> dict[str, Order]:
    """The order of the outputs of every step.

    Args:
        trace: of the network.
        keep: whether inputs and outputs are to lie in the source's own order.
    """
    other = _others(trace)
    last = _cut(trace, other, keep)
    return {
        name: other[name] if name in last else natural(len(step.shape))
        for name, step in trace.steps.items()
        if step.shapes
    }


def _others(trace: Trace) -> dict[str, Order]:
    """The one other order that a step may have, for those that have one."""
    found: dict[str, Order] = {}
    for _ in range(2):
        _forward(trace, found)
        _backward(trace, found)
    _forward(trace, found)
    return found


def _forward(trace: Trace, found: dict[str, Order]) -> None:
    for step in trace.steps.values():
        if step.name in found or step.operator in FREE or not step.shapes:
            continue
        rank = len(step.shape)
        only = needed(step)
        if only is not None:
            found[step.name] = only
            continue
        way = way_of(step)
        for place, value in enumerate(step.values()):
            shape = trace.shape(value)
            known = found.get(value.node)
            if known is not None and len(known) == len(shape):
                order = way(step, shape, known, place)
                if order is not None and order != natural(rank):
                    found[step.name] = order
                    break
            # axes that are only called otherwise: channels-last by nature, or the batch in front
            order = way(step, shape, natural(len(shape)), place)
            if (
                known is None
                and rank > 2
                and order != natural(rank)
                and order in (channels_last(rank), _batch_first(step))
            ):
                found[step.name] = order
                break


def _batch_first(step: Step) -> Order:
    """The order of a sequence of batches whose batches lie in front."""
    rank = len(step.shape)
    return (1, 0, *range(2, rank)) if rank > 2 and step.shape[1] is None else natural(rank)


def _backward(trace: Trace, found: dict[str, Order]) -> None:
    for step in reversed(list(trace.steps.values())):
        wanted = found.get(step.name)
        if wanted is None:
            continue
        for place, value in enumerate(step.values()):
            source = trace.steps[value.node]
            shape = trace.shape(value)
            if value.node in found or source.operator in FREE or len(shape) < 3:
                continue
            for order in (channels_last(len(shape)), HEADS_LAST, before(step, shape, wanted) or ()):
                fitting = len(order) == len(shape) and fits(step, shape, order, place, wanted)
                fitting = fitting and order != natural(len(shape))
                if fitting and _can_give(trace, source, order, found):
                    found[value.node] = order
                    break


def _can_give(trace: Trace, step: Step, order: Order, found: Mapping[str, Order]) -> bool:
    """Whether a step can give its result in an order, from some order of each of its inputs."""
    if step.operator == INPUT:
        return True
    for place, value in enumerate(step.values()):
        shape = trace.shape(value)
        if trace.steps[value.node].operator in FREE:
            laid = (natural(len(shape)), channels_last(len(shape)))
            if step.operator in RESHAPES and not any(fits(step, shape, own, place, order) for own in laid):
                return False
            continue
        known: set[Order] = {natural(len(shape)), channels_last(len(shape)), HEADS_LAST}
        known.add(found.get(value.node, natural(len(shape))))
        known.add(before(step, shape, order) or natural(len(shape)))
        if not any(fits(step, shape, own, place, order) for own in known if len(own) == len(shape)):
            return False
    return True


def _size(trace: Trace, value: Value) -> int:
    lengths = prod(OPEN_LENGTH if length is None else length for length in trace.shape(value))
    return lengths // 64 + 1


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


def _cut(trace: Trace, other: Mapping[str, Order], keep: bool) -> set[str]:
    """Names of the steps whose outputs lie in their other order."""
    network = _Network({name: place for place, name in enumerate(other, start=2)})
    ends = {value.node for value in trace.outputs.values()}
    for name in other:
        step = trace.steps[name]
        if needed(step) is not None:
            network.alone(name, NEVER, 0)
        elif step.operator == INPUT or name in ends:
            source = keep or is_flat(other[name])
            network.alone(name, 0 if source else NEVER // 2, NEVER // 2 if source else 0)
    for step in trace.steps.values():
        for place, value in enumerate(step.values()):
            if trace.steps[value.node].operator in FREE:
                continue
            costs = _costs(trace, step, place, value, other)
            if step.name in other and value.node in other:
                network.pair(step.name, value.node, costs)
            elif step.name in other:
                network.alone(step.name, costs[0][0], costs[1][0])
            elif value.node in other:
                network.alone(value.node, costs[0][0], costs[0][1])
    return network.cut()


def _costs(trace: Trace, step: Step, place: int, value: Value, other: Mapping[str, Order]) -> list[list[int]]:
    """What is moved between a value and a step that reads it: for the step's own and other order (rows), and the
    value's."""
    shape, size = trace.shape(value), _size(trace, value)
    if not step.shapes:
        return [[0, 0], [0, 0]]
    results = [natural(len(step.shape)), other.get(step.name, natural(len(step.shape)))]
    given = [natural(len(shape)), other.get(value.node, natural(len(shape)))]
    if len(given[1]) != len(shape):
        given[1] = given[0]
    return [
        [0 if fits(step, shape, order, place, result) else NEVER if is_flat(order) else size for order in given]
        for result in results
    ]
