"""Inputs for two corresponding networks: the same numbers, each in its network's order of axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import cast

import numpy as np

from homolog.errors import Mismatch, Unsupported, Usage
from homolog.graph import Framework, Graph, Node, OpenShape
from homolog.passes.layout import Labels, labels_at
from homolog.proof.subjects import Subjects
from homolog.reading import customary, element_type, reordered, vocabulary
from homolog.signature import BELOW, OPEN, OPEN_AS, RUN_ON, Argument, Given, fits, in_words, lengths
from homolog.tensors import Array, Shape

PIXELS = 256
HELP = "give the shapes of the inputs, batch first: --input 1,3,224,224"


@dataclass(frozen=True)
class Samples:
    """The inputs of both networks, by the names of the nodes that they enter by."""

    first: Mapping[str, Array]
    second: Mapping[str, Array]


def samples(a: Graph, b: Graph, *, batch: int, seed: int, odd: bool = False, varied: bool = False) -> Samples:
    """Random inputs for two networks whose inputs correspond place by place.

    * Standard normal numbers, where nothing else is known.
    * Ids within the vocabulary for what an embedding reads. Where no input is a mask, some rows end in zeros: an
      embedding may take those for padding.
    * Masks that mask: along the last axis one or more leading ones, then one or more zeros. No row is masked from end
      to end, whichever of the two values a network takes for masked.
    * Positions 0, 1, 2 …; segments 0 and 1; pixels of ``uint8``; whole numbers below those that the user gave.
    * Ones for other whole numbers, which may be anything: as counts they divide, as places they are there.

    Args:
        a, b: the graphs.
        batch: rows.
        seed: of the numbers.
        odd: draw other, odd lengths where they are open (see ``open_axes``).
        varied: zeros and ones for whole numbers of which nothing is known.

    Raises:
        Mismatch: the two take another number of inputs, or inputs of other shapes.
        Unsupported: neither says how large an input is.
    """
    pairs = _pairs(a, b)
    masked = any("mask" in pair.roles for pair in pairs)
    random = np.random.default_rng(seed)
    drawn = []
    for pair in pairs:
        shape = pair.shape(batch)
        if odd:
            shape = tuple(odd_length(shape, axis) if axis in pair.open else n for axis, n in enumerate(shape))
        drawn.append(pair.drawn(shape, random, padded=not masked, varied=varied))
    return _for_both(pairs, drawn)


def inputs_for(subjects: Subjects, *, batch: int, seed: int) -> Samples:
    """The inputs that a proof runs both of its networks on: those that the user gave, whatever the batch and the seed,
    or else random ones.

    Raises:
        Usage: those that the user gave do not fit.
    """
    a, b = subjects.graph_a, subjects.graph_b
    if subjects.given is not None:
        return given_samples(a, b, subjects.given)
    drawn = samples(a, b, batch=batch, seed=seed, odd=subjects.odd, varied=subjects.scale != 1)
    if subjects.scale == 1:
        return drawn
    first, second = (
        {name: scaled(array, subjects.scale) for name, array in side.items()} for side in (drawn.first, drawn.second)
    )
    return Samples(first, second)


def scaled(array: Array, factor: float) -> Array:
    """Real numbers, made smaller or larger; others as they are."""
    return (array.astype(np.float64) * factor).astype(array.dtype) if array.dtype.kind == "f" else array


def given_samples(a: Graph, b: Graph, given: Given) -> Samples:
    """The inputs that the user gave for the first network, and the same arranged for the second.

    Whole numbers take the element type of their network, and floats that of the first network's input; the numbers
    themselves must fit.

    Args:
        a, b: the graphs.
        given: in the order of the first network's inputs, or by their names.

    Raises:
        Mismatch: the two networks take different inputs.
        Usage: names, shapes, element types or values that do not fit the first network.
    """
    pairs = _pairs(a, b)
    arrays = _by_place(given, [pair.one.name for pair in pairs])
    return _for_both(pairs, [pair.checked(array) for pair, array in zip(pairs, arrays, strict=True)])


def open_axes(a: Graph, b: Graph) -> Mapping[str, frozenset[int]]:
    """The axes, by the first network's names of inputs, whose length is open: one network declares so, and the other
    too, or it declares nothing, as a PyTorch module does. The batch is none of them."""
    return {pair.one.name: pair.open for pair in _pairs(a, b) if pair.open}


def odd_length(shape: tuple[int, ...], axis: int) -> int:
    """An odd length near that of an axis, other than its own; for neighbouring axes of an image they differ.

    Along a sequence it is shorter: positions may run out.
    """
    length = shape[axis]
    if len(shape) < 4:
        return (length - 4) | 1 if length > 4 else (length + 1) | 1
    if axis % 2 == 0:
        return (length + 3) | 1
    return (length - 11) | 1 if length > 32 else (length - 3) | 1 if length > 8 else (length + 1) | 1


@dataclass(frozen=True)
class _Pair:
    """One input of both networks."""

    a: Graph
    one: Node
    b: Graph
    two: Node

    @cached_property
    def labels(self) -> tuple[Labels | None, Labels | None]:
        """Of the axes, as the first and the second have them."""
        return _labels(self.one, self.two, self.a.framework), _labels(self.two, self.one, self.b.framework)

    @cached_property
    def roles(self) -> set[str]:
        """What either name says that it is for; what belongs to a decoder is like the same of an encoder."""
        found = (Argument(node.name).role for node in (self.one, self.two))
        return {role.removeprefix("decoder ") for role in found if role is not None}

    @cached_property
    def known(self) -> int | None:
        """How many ids both know, None if they are none."""
        sizes = (vocabulary(self.a, self.one), vocabulary(self.b, self.two))
        return min((size for size in sizes if size is not None), default=None)

    @cached_property
    def below(self) -> int | None:
        """What whole numbers stay below, by those that the user gave or by their element type; None if neither says."""
        given = [int(str(node.fields[BELOW])) for node in (self.one, self.two) if BELOW in node.fields]
        pixels = "uint8" in (self.one.fields.get("dtype"), self.two.fields.get("dtype"))
        return min(given, default=PIXELS if pixels else None)

    @cached_property
    def types(self) -> set[str]:
        """Element types, as either network has them."""
        return {element_type(self.a, self.one), element_type(self.b, self.two)}

    @cached_property
    def open(self) -> frozenset[int]:
        """Axes, in the first's order, whose length no network has fixed and one leaves open."""
        have, want = self.labels
        ours, theirs = _declared_open(self.one), _declared_open(self.two)
        if theirs is not None and have is not None and want is not None and have != want:
            names, wanted = ([label[0][0] for label in labels] for labels in (have, want))
            if sorted(names) != sorted(wanted):
                return frozenset()
            theirs = frozenset(names.index(wanted[axis]) for axis in theirs)
        told = [axes for axes in (ours, theirs) if axes is not None]
        return frozenset.intersection(*told) if told else frozenset()

    def shape(self, batch: int) -> tuple[int, ...]:
        """As the first network takes it."""
        return _shape(self.one, self.two, self.labels, batch, self.open)

    def drawn(self, shape: tuple[int, ...], random: np.random.Generator, *, padded: bool, varied: bool) -> Array:
        """Numbers of this shape; ids end in zeros here and there if ``padded``, and what may be anything is not the
        same all over if ``varied``."""
        known = self.known
        whole = known is not None or self.types != {"float32"}
        if not whole:
            return random.standard_normal(shape).astype(np.float32)
        if "position" in self.roles:
            return np.broadcast_to(np.arange(shape[-1]), shape)
        if known is not None:
            sequence = padded and self.roles <= {"ids"} and len(shape) == 2 and shape[1] > 1
            if not sequence or known < 3:
                return random.integers(0, known, shape)
            return np.where(leading(shape, random, shape[1] // 2), random.integers(1, known, shape), 0)
        if "mask" in self.roles or self.types == {"bool"}:
            return leading(shape, random)
        if "segment" in self.roles or (varied and self.below is None):
            return random.integers(0, 2, shape)
        if self.below is not None and self.below > 2:
            return random.integers(1, self.below, shape)  # not zero: it may be a count
        return np.ones(shape, np.int64)

    def checked(self, array: Array) -> Array:
        """An array that the user gave for this input, in the element type that both networks run it in."""
        name, whole = self.one.name, self.known is not None or self.types != {"float32"}
        wanted = _whole(self.one) if whole else _float(self.one)
        right = array.dtype.kind in "iub" if whole else array.dtype.kind == "f"
        if not right:
            raise Usage(
                "an input has another element type than the network takes",
                where=name,
                expected=wanted,
                found=str(array.dtype),
                help=f'convert it: array.astype("{wanted}")',
            )
        own = self.one.shapes[0] if self.one.shapes else None
        if array.ndim == 0 or array.size == 0 or (own is not None and not fits(own, array.shape)):
            raise Usage(
                "an input has another shape than the network takes",
                where=name,
                expected="an array with the batch in front" if own is None else in_words(own),
                found=str(array.shape),
                help="give one array for each input, batch first, in the first network's order of axes",
            )
        self.shape(len(array))  # says so where the second takes another
        self._require_values(array)
        return array.astype(wanted)

    def _require_values(self, array: Array) -> None:
        """Refuse numbers that prove nothing, or that no embedding knows."""
        name, known = self.one.name, self.known
        if array.dtype.kind == "f":
            if not np.isfinite(array).all():
                raise Usage("an input holds NaN or infinite values, which prove nothing", where=name)
            return
        lowest, highest = int(array.min()), int(array.max())
        most = 1 if "bool" in self.types and known is None else None if known is None else known - 1
        if most is not None and not (lowest >= 0 and highest <= most):
            raise Usage(
                "an input holds values that the network does not know",
                where=name,
                expected=f"0 to {most}",
                found=f"{lowest} to {highest}",
            )


def leading(shape: tuple[int, ...], random: np.random.Generator, least: int = 1) -> Array:
    """Ones, and behind them zeros, along the last axis: a number of them for each row of the batch.

    Every row has at least ``least`` ones and, where the axis is longer than that, a zero.
    """
    length = shape[-1]
    if len(shape) == 1 or length < 2:
        return np.ones(shape, np.int64)
    kept = random.integers(max(least, 1), length, shape[0]).reshape(-1, *(1 for _ in shape[1:]))
    return np.broadcast_to((np.arange(length) < kept).astype(np.int64), shape).copy()


def _pairs(a: Graph, b: Graph) -> list[_Pair]:
    if len(a.inputs) != len(b.inputs):
        raise Mismatch(
            "the two networks take another number of inputs",
            expected=f"{len(a.inputs)}: {', '.join(node.name for node in a.inputs)}",
            found=f"{len(b.inputs)}: {', '.join(node.name for node in b.inputs)}",
        )
    return [_Pair(a, one, b, two) for one, two in zip(a.inputs, b.inputs, strict=True)]


def _for_both(pairs: Sequence[_Pair], arrays: Sequence[Array]) -> Samples:
    """Arrays in the first's order of axes → the inputs of both."""
    first, second = {}, {}
    for pair, values in zip(pairs, arrays, strict=True):
        whole = values.dtype.kind in "iub"
        first[pair.one.name] = values.astype(_whole(pair.one)) if whole else values
        second[pair.two.name] = arranged(values.astype(_whole(pair.two)) if whole else values, *pair.labels)
    return Samples(first, second)


def _by_place(given: Given, names: Sequence[str]) -> list[Array]:
    """What the user gave, in the order of these names."""
    if len(given) == len(names):
        if not isinstance(given, Mapping):
            return list(given)
        if set(given) == set(names):
            return [given[name] for name in names]
    raise Usage(
        "the inputs given are not those that the network takes",
        expected=", ".join(names),
        found=", ".join(given) if isinstance(given, Mapping) else f"{len(given)} without names",
        help="give an array for each input of the first network, by name or in this order",
    )


def _declared_open(node: Node) -> frozenset[int] | None:
    """The axes that a network leaves open by its own word, without the batch; None where it says nothing."""
    axes = node.fields.get(OPEN)
    return frozenset(axes) - {0} if isinstance(axes, tuple) else None


def _float(node: Node) -> str:
    """The element type that an input takes other numbers in."""
    dtype = str(node.fields.get("dtype", ""))
    return dtype if dtype in ("float16", "float32", "float64") else "float32"


def _labels(node: Node, other: Node, framework: Framework) -> Labels | None:
    """The labels of an input; where it has none, those that are the custom of its framework for what the other has."""
    have = labels_at(other)
    return labels_at(node) if have is None else customary(have, node, framework)


def arranged(array: Array, have: Labels | None, want: Labels | None) -> Array:
    """An array with its axes in the order of other labels, and those that a flatten merged in that order within; as it
    is where labels are unknown or alike, or speak of other axes."""
    if have is None or want is None or len(have) != len(want) or len(have) != array.ndim:
        return array
    names = [tuple(part[0] for part in label) for label in have]
    wanted = [tuple(part[0] for part in label) for label in want]
    flat, goal = [name for label in names for name in label], [name for label in wanted for name in label]
    if names == wanted or sorted(flat) != sorted(goal) or len(set(flat)) < len(flat):
        return array
    lengths: dict[str, int] = {}
    for label, length in zip(have, array.shape, strict=True):
        known = {name: size if len(label) > 1 else length for name, size in label}
        if None in known.values() or prod(size or 0 for size in known.values()) != length:
            return array
        lengths |= {name: size for name, size in known.items() if size is not None}
    opened = array.reshape([lengths[name] for name in flat]).transpose([flat.index(name) for name in goal])
    return np.ascontiguousarray(opened).reshape([prod(lengths[name] for name in label) for label in wanted])


def _shape(
    one: Node, two: Node, labels: tuple[Labels | None, Labels | None], batch: int, free: frozenset[int]
) -> tuple[int, ...]:
    """The shape of the first network's input, with this batch, and a length of our own for axes that are ``free``."""
    own = one.shapes[0] if one.shapes else None
    told = two.shapes[0] if two.shapes else None
    want, have = labels
    if told is not None and have is not None:
        told = reordered(told, have, want)
    shape = _joined(own, told, one.name)
    if shape is not None:
        usual = lengths(shape, batch)
        run_on = cast(Shape, one.fields.get(RUN_ON, tuple(OPEN_AS for _ in shape)))
        # what does not take the length that is tried first may take no other than the one it was found to take
        taken = [own if length == OPEN_AS else length for own, length in zip(usual, run_on, strict=True)]
        shape = tuple(taken[axis] if n is None and axis in free else n for axis, n in enumerate(shape))
    if shape is None or None in shape[1:]:
        raise Unsupported("neither network says how large its input is", where=one.name, found=str(shape), help=HELP)
    return (batch, *(length for length in shape[1:] if length is not None))


def _joined(own: OpenShape | None, told: OpenShape | None, where: str) -> OpenShape | None:
    if own is None or told is None:
        return own or told
    clash = any(n != m for n, m in zip(own[1:], told[1:], strict=False) if None not in (n, m))
    if len(own) != len(told) or clash:
        raise Mismatch(
            "the two networks take inputs of other shapes", where=where, expected=str(own), found=str(told), help=HELP
        )
    return tuple(n if n is not None else m for n, m in zip(own, told, strict=True))


def _whole(node: Node) -> str:
    """The element type that an input takes whole numbers and truth values in."""
    dtype = str(node.fields.get("dtype", "int64"))
    return dtype if "int" in dtype or dtype == "bool" else "int64"
