"""What a network takes, and which input of one network is which of another's.

Keras keeps named inputs sorted by their names; a PyTorch forward takes arguments, most of them optional. What an
input is for stands in the words of its name in both: ``padding_mask`` is ``attention_mask``, ``segment_ids`` are
``token_type_ids``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homolog.errors import Mismatch
from homolog.graph import Graph, Node, OpenShape
from homolog.tensors import Array

Given = Sequence[Array] | Mapping[str, Array]
"""The inputs of a network: in order, or by the names that its graph's nodes and its arguments have."""

Free = Mapping[int | str, Sequence[int]]
"""Axes besides the batch that stay open, by the place or name of their input."""

FREE_LENGTH = {4: 64, 5: 16}
"""Length of an axis that a model leaves open, by the number of axes of the input."""
SEQUENCE = 11
"""The same for inputs of other numbers of axes, all alike: ids, masks and positions run along one sequence."""

OPEN_AS = 64
"""The length that a network is run with, to be read, along an axis that stays open, where it takes that."""

OPEN = "open"
"""The field of an input node that says which axes its network leaves open; absent where the network says nothing."""
RUN_ON = "run_on"
"""The field of an input node that has the shape that its network was run on to be read."""
BELOW = "below"
"""The field of an input node of whole numbers that says below what the numbers stay that the user gave for it."""

WORDS: Mapping[str, frozenset[str]] = {
    "cache": frozenset({"past", "cache"}),
    "label": frozenset({"label", "labels", "target", "targets"}),
    "mask": frozenset({"mask", "masks", "masked"}),
    "segment": frozenset({"segment", "segments", "type"}),
    "position": frozenset({"position", "positions", "pos"}),
    "embedding": frozenset({"embed", "embeds", "embedding", "embeddings", "hidden"}),
    "image": frozenset({"image", "images", "pixel", "pixels", "img", "imgs"}),
    "ids": frozenset({"id", "ids", "token", "tokens"}),
}
"""Words in a name that say a role; the first role that has one of the name's words is it."""


@dataclass(frozen=True)
class Argument:
    """One thing that a network takes.

    Attributes:
        name: as the network calls it.
        dtype: element type, empty if nothing says it.
        rank: number of axes, if that is known.
        required: whether the network cannot be called without it.
    """

    name: str
    dtype: str = ""
    rank: int | None = None
    required: bool = True

    @property
    def role(self) -> str | None:
        """What its name says it is for; what belongs to a decoder is told from the same of an encoder."""
        words = set(re.findall(r"[a-z]+", self.name.lower()))
        found = next((role for role, known in WORDS.items() if known & words), None)
        return f"decoder {found}" if found is not None and "decoder" in words else found

    @property
    def form(self) -> str | None:
        """The role that inputs of its element type and number of axes mostly have, where its name says none."""
        if self.dtype.startswith(("int", "uint")):
            return "ids"
        return "image" if self.dtype.startswith(("float", "bfloat")) and self.rank == 4 else None


def paired(ours: Sequence[Argument], theirs: Sequence[Argument]) -> tuple[int, ...]:
    """For each of ours the place of the one of theirs that is the same input.

    The same name says it, then the same role, then the same element type and number of axes, then the order.

    Raises:
        Mismatch: one of ours, or a required one of theirs, has no partner.
    """
    found: dict[int, int] = {}
    for alike in (_by_name, _by_role, _by_form, _by_order):
        for place, one in enumerate(ours):
            free = (other for other in range(len(theirs)) if place not in found and other not in found.values())
            partner = next((other for other in free if alike(one, theirs[other])), None)
            if partner is not None:
                found[place] = partner
    left = [two for other, two in enumerate(theirs) if two.required and other not in found.values()]
    if left or len(found) < len(ours):
        raise Mismatch(
            "the two networks take different inputs",
            expected=", ".join(one.name for one in ours),
            found=", ".join(two.name if two.required else f"[{two.name}]" for two in theirs) or "none",
            details=[
                *(f"without a partner: {one.name}" for place, one in enumerate(ours) if place not in found),
                *(f"without a partner: {two.name}" for two in left),
            ],
        )
    return tuple(found[place] for place in range(len(ours)))


def in_order(given: Given, names: Sequence[str]) -> list[Array]:
    """Inputs in the order of these names; as they are where they come in order, or by other names."""
    if not isinstance(given, Mapping):
        return list(given)
    return [given[name] for name in names] if set(names) == set(given) else list(given.values())


def reordered_inputs(graph: Graph, order: Sequence[int]) -> Graph:
    """The same graph with its inputs in another order."""
    if list(order) == sorted(order):
        return graph
    entries = graph.inputs
    nodes: dict[str, Node] = {entries[place].name: entries[place] for place in order}
    return graph.with_nodes({**nodes, **{name: node for name, node in graph.nodes.items() if name not in nodes}})


def lengths(shape: OpenShape, batch: int) -> tuple[int, ...]:
    """A shape with a number for every length that is open."""
    free = FREE_LENGTH.get(len(shape), SEQUENCE)
    return (batch, *(free if length is None else length for length in shape[1:]))


def fits(shape: OpenShape, found: Sequence[int]) -> bool:
    """Whether an array of this shape, with any batch, is of a shape that may be open."""
    return len(shape) == len(found) and all(n in (None, m) for n, m in zip(shape[1:], found[1:], strict=True))


def in_words(shape: OpenShape) -> str:
    """``(batch, any, any, 3)``."""
    return f"({', '.join(('batch', *('any' if n is None else str(n) for n in shape[1:])))})"


def _by_name(one: Argument, two: Argument) -> bool:
    return one.name == two.name


def _by_role(one: Argument, two: Argument) -> bool:
    return one.role is not None and one.role == two.role


def _by_form(one: Argument, two: Argument) -> bool:
    if not _compatible(one, two):
        return False
    if one.dtype and two.dtype:
        return (one.dtype[:3], one.rank) == (two.dtype[:3], two.rank)
    return (one.role or one.form) == (two.role or two.form) is not None


def _by_order(one: Argument, two: Argument) -> bool:
    return _compatible(one, two) and (two.required or two.role is None)


def _compatible(one: Argument, two: Argument) -> bool:
    """Whether their names do not say that they are different things."""
    return one.role is None or two.role is None or one.role == two.role
