"""Weights that differ: in which way, told by trying on the numbers themselves.

Corresponding weights of two layers are brought into the one layout of their rule. There each way in which weights are
known to go wrong is done to the one, and must give the other, number by number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from math import prod

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from homolog import rules
from homolog.graph import Graph, Node, Weight
from homolog.plan import Plan
from homolog.proof.cause import Cause, Mend
from homolog.tensors import Array
from homolog.transforms import Axes, apply

NARROW = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16), np.dtype(ml_dtypes.float8_e4m3fn))
STATISTICS = {"running_mean", "running_var"}
WORDS = {"out": "output channels", "inp": "input channels", "h": "height", "w": "width", "d": "depth"}
OTHER = "holds other numbers"
MANY = 3
"""Layers with unrelated weights that are named one by one."""
MOST_LAYERS = 12
"""Layers that are looked into; where more are wrong, the weights are another network's."""
MOST_BLOCKS = 4
"""Gates of a layer; all their orders are tried."""


@dataclass(frozen=True)
class Wrong:
    """A weight of two corresponding layers that is not the same.

    Attributes:
        one, two: the layers.
        slot: its name.
        left, right: its values, in the rule's layout.
    """

    one: Node
    two: Node
    slot: str
    left: Array
    right: Array


Finding = tuple[str, str]
"""A kind of cause, and the rest of a sentence that begins with the weight."""


def causes(a: Graph, b: Graph, plan: Plan, mend: Mend) -> list[Cause]:
    """One cause for every pair of layers with other weights, in topological order.

    Args:
        a, b: the graphs.
        plan: which layers correspond.
        mend: what copies them anew.
    """
    wrong = list(_wrong(a, b, plan))
    found: dict[tuple[str, str], Cause] = {}
    swapped = _swapped_layers(wrong)
    for item in wrong:
        place = item.one.name, item.two.name
        kind, words = swapped.get(place) or _finding(item, wrong)
        slot = f"{item.slot} of {item.two.name}"
        line = f"{item.two.name} {words}" if place in swapped else f"{slot} {words}"
        if place not in found:
            tried = "" if kind == "other weights" else "tried: so it is, number by number"
            found[place] = Cause(kind, *place, line, tried, f"copy the weights anew: {mend.copy}")
        elif found[place].kind in ("other weights", "scale", "missing weights") and kind not in (
            "other weights",
            "missing weights",
        ):
            found[place] = replace(found[place], kind=kind, words=line, tried="tried: so it is, number by number")
    return _together(list(found.values()))


def _together(found: list[Cause]) -> list[Cause]:
    """Layers that hold unrelated numbers, as one cause where they are many: another training, another checkpoint."""
    unrelated = [cause for cause in found if cause.kind == "other weights" and OTHER in cause.words]
    if len(unrelated) <= MANY:
        return found
    first, count = unrelated[0], len(unrelated) - 1
    more = f"{count} or more other layers" if len(found) == MOST_LAYERS else f"{count} other layers"
    one = replace(first, words=f"{first.words}, and so do {more}: the weights are of another training")
    return [one if cause is first else cause for cause in found if cause is first or cause not in unrelated]


def _wrong(a: Graph, b: Graph, plan: Plan) -> Iterator[Wrong]:
    cast = {row.target: row for row in plan.rows if row.narrows}
    seen: set[tuple[str, str]] = set()
    for first, second in plan.pairs:
        if len(seen) == MOST_LAYERS:
            return
        one, two = a.nodes[first], b.nodes[second]
        for slot, weight in two.weights.items():
            given = one.weights.get(slot)
            if given is None or any(ref.name in cast for ref in weight.tensors) or given.shape != weight.shape:
                continue
            left, right = _values(given), _values(weight)
            if not np.array_equal(left, right, equal_nan=left.dtype.kind == "f"):
                seen.add((first, second))
                yield Wrong(one, two, slot, left, right)


def _values(weight: Weight) -> Array:
    (array,) = apply(weight.layout, [ref.read() for ref in weight.tensors])
    return array


def _finding(item: Wrong, wrong: Sequence[Wrong]) -> Finding:
    """The first way that gives the one from the other."""
    for way in WAYS:
        found = way(item, wrong)
        if found is not None:
            return found
    left, right = item.left.astype(np.float64), item.right.astype(np.float64)
    differ = left != right
    if differ.sum() <= max(1, left.size // 10):
        place = tuple(int(index) for index in np.argwhere(differ)[0])
        return "other weights", f"differs in {int(differ.sum())} of {left.size} numbers, the first at {place}"
    return "other weights", f"{OTHER}, up to {float(np.abs(left - right).max()):.1e} apart"


def _addend(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    """One of two biases that are always added, alone."""
    for node, array, whose in ((item.one, item.right, "source"), (item.two, item.left, "target")):
        refs = node.weights[item.slot].tensors
        for ref in refs if len(refs) > 1 else ():
            if ref.shape == array.shape and _same(ref.read(), array):
                others = ", ".join(other.name for other in refs if other is not ref)
                return "missing weights", f"is the {whose}'s {ref.name} alone, without {others}"
    return None


def _swapped_slots(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    for other in wrong:
        same_layer = other.one is item.one and other.two is item.two and other.slot != item.slot
        if same_layer and _same(item.right, other.left):
            kind = "statistics" if {item.slot, other.slot} & STATISTICS else "swapped weights"
            return kind, f"is the source's {other.slot}: the two are swapped"
    return None


def _transposed(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    axes = _axes(item)
    for order in permutations(range(item.left.ndim)):
        turned = item.left.transpose(order)
        if order != tuple(range(item.left.ndim)) and turned.shape == item.right.shape and _same(turned, item.right):
            moved = [axes[place] for place, axis in enumerate(order) if place != axis]
            return "transposed kernel", f"is transposed: {' and '.join(moved)} are swapped"
    stored = [_stored(node.weights[item.slot]) for node in (item.one, item.two)]
    if item.left.ndim > 1 and _same(*(array.ravel() for array in stored)):
        return "transposed kernel", "has the source's numbers in the source's order: reshaped, not transposed"
    return None


def _flipped(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    if item.left.ndim < 2:
        return None
    axes = _axes(item)
    for count in range(1, item.left.ndim + 1):
        for chosen in combinations(range(item.left.ndim), count):
            if _same(np.flip(item.left, chosen), item.right):
                named = [axes[axis] for axis in chosen]
                if named == [WORDS["inp"]]:
                    return "channel order", "has its input channels in reverse, as for BGR images instead of RGB"
                kind = "flipped kernel" if all(axis > 1 for axis in chosen) else "channel order"
                return kind, f"is flipped along {' and '.join(named)}"
    return None


def _gates(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    """Blocks along the first axis in another order: of a recurrent layer's gates, or of a packed projection."""
    rule = rules.for_kind(item.one.kind)
    recurrent = rule is not None and any(slot.name == "weight_hh" for slot in rule.slots)
    for count in range(2, MOST_BLOCKS + 1) if recurrent else (3,):
        length = item.left.shape[0] if item.left.ndim else 0
        if not length or length % count:
            continue
        blocks = np.split(item.left, count)
        for order in permutations(range(count)):
            if list(order) != list(range(count)) and _same(np.concatenate([blocks[i] for i in order]), item.right):
                what = "gates" if recurrent else "packed parts"
                kind = "gate order" if recurrent else "swapped weights"
                return kind, f"has its {what} in the order {' '.join(str(i + 1) for i in order)} of the source's"
    return None


def _flattened(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    """The inputs of a dense kernel in the order of another flatten."""
    for weight in (item.one.weights[item.slot], item.two.weights[item.slot]):
        for transform in weight.layout:
            for group, sizes in _merged(transform):
                for axis, length in enumerate(item.left.shape):
                    lengths = [sizes[name] for name in group]
                    if prod(lengths) == length and (found := _reordered(item, axis, group, lengths)):
                        return found
    return None


def _merged(transform: object) -> Iterator[tuple[tuple[str, ...], Mapping[str, int]]]:
    """Axes that a flatten merged, with their lengths."""
    if isinstance(transform, Axes):
        sizes = dict(transform.sizes)
        for side in transform.sides:
            for group in side:
                if len(group) > 1 and all(name in sizes for name in group):
                    yield group, sizes


def _reordered(item: Wrong, axis: int, group: Sequence[str], lengths: Sequence[int]) -> Finding | None:
    line = tuple(slice(None) if place == axis else 0 for place in range(item.left.ndim))
    for place in _orders(lengths):
        alike = _same(item.left[line][place], item.right[line])  # one line first: kernels behind a flatten are large
        if alike and _same(np.take(item.left, place, axis), item.right):
            names = " x ".join(_word(name) for name in group)
            return "flatten order", f"has its inputs in the order of another flatten of {names}"
    return None


def _orders(lengths: Sequence[int]) -> Iterator[NDArray[np.intp]]:
    """The orders that flattened axes come in if they are taken for others and turned: once, or, of up to three axes,
    twice (turned the wrong way, and then read as if they had not been)."""
    ways = [(start, order) for start in permutations(range(len(lengths))) for order in permutations(start)]
    whole = np.arange(prod(lengths))
    once = [whole.reshape([lengths[i] for i in start]).transpose(order).ravel() for start, order in ways]
    yield from once
    for first in once if len(lengths) <= 3 else ():
        for second in once:
            yield first[second]


def _off_by_one(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    for axis in range(item.left.ndim):
        for step in (1, -1):
            shifted = np.roll(item.left, step, axis)
            inner = [slice(None)] * item.left.ndim
            inner[axis] = slice(1, None) if step > 0 else slice(None, -1)
            if item.left.shape[axis] > 2 and _same(shifted[tuple(inner)], item.right[tuple(inner)]):
                return "other weights", f"is shifted by {step} along axis {axis}"
    return None


def _rounded(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    for narrow in NARROW:
        with np.errstate(over="ignore", invalid="ignore"):
            rounded, back = (array.astype(narrow).astype(array.dtype) for array in (item.left, item.right))
        if _same(rounded, item.right):
            return "rounded weights", f"went through {narrow.name}"
        if _same(back, item.left):
            return "rounded weights", f"holds more than the source's, which went through {narrow.name}"
    left, right = item.left.astype(np.float64), item.right.astype(np.float64)
    if np.allclose(left, right, rtol=2**-20, atol=0):
        return "rounded weights", "is the source's but for rounding in its last places"
    return None


def _untouched(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    for value, words in ((0, "zero"), (1, "one")):
        for side, array in (("", item.right), (" of the source", item.left)):
            if bool((array == value).all()):
                kind = "statistics" if item.slot in STATISTICS else "missing weights"
                return kind, f"is {words} everywhere{' in' + side[3:] if side else ''}, as it is before it is filled"
    return None


def _scaled(item: Wrong, wrong: Sequence[Wrong]) -> Finding | None:
    left, right = item.left.astype(np.float64), item.right.astype(np.float64)
    scale = float((left * left).sum())
    factor = float((left * right).sum()) / scale if scale else 0.0
    if factor and left.size > 1 and np.abs(right - factor * left).max() <= 1e-6 * np.abs(right).max():
        return "scale", f"is {factor:.6g} times the source's"
    return None


WAYS: Sequence[Callable[[Wrong, Sequence[Wrong]], Finding | None]] = (
    _untouched,
    _addend,
    _swapped_slots,
    _transposed,
    _flipped,
    _flattened,
    _gates,
    _rounded,
    _scaled,
    _off_by_one,
)


def _swapped_layers(wrong: Sequence[Wrong]) -> dict[tuple[str, str], Finding]:
    """Layers that hold each other's weights."""
    layers: dict[tuple[str, str], list[Wrong]] = {}
    for item in wrong:
        layers.setdefault((item.one.name, item.two.name), []).append(item)
    found: dict[tuple[str, str], Finding] = {}
    for place, items in layers.items():
        for other, others in layers.items():
            slots = {item.slot: item for item in others}
            if other != place and all(
                item.slot in slots and _same(item.right, slots[item.slot].left) for item in items
            ):
                found[place] = "swapped weights", f"holds the weights of {other[0]}"
    return found


def _axes(item: Wrong) -> list[str]:
    """What each axis of a weight is, in words."""
    rule = rules.for_kind(item.one.kind)
    slot = next((slot for slot in (() if rule is None else rule.slots) if slot.name == item.slot), None)
    layout = slot.axes if slot is not None and isinstance(slot.axes, Axes) else None
    names = [group[0] if group else "" for group in layout.sides[0]] if layout is not None else []
    if len(names) != item.left.ndim:
        return [f"axis {axis}" for axis in range(item.left.ndim)]
    return [_word(name) for name in names]


def _word(name: str) -> str:
    return WORDS.get(name, name)


def _stored(weight: Weight) -> Array:
    return np.concatenate([ref.read().ravel() for ref in weight.tensors])


def _same(one: Array, two: Array) -> bool:
    return one.shape == two.shape and bool(np.array_equal(one, two, equal_nan=one.dtype.kind == "f"))
