"""Paired layers → rows of a plan: what each tensor of the target is made of.

Layers are compared weight by weight, in the one layout of their rule. From there the way leads back to tensors: most
weights are one tensor, re-laid. A packed tensor holds several weights and is put together from them; two biases that
are always added are one weight; a weight that a side does not have is what leaves the function as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from homolog.errors import Mismatch
from homolog.graph import Node, Weight
from homolog.plan import Row, casting
from homolog.tensors import TensorRef, dtype_of
from homolog.transforms import (
    Axes,
    Chain,
    Concat,
    Each,
    Fill,
    Part,
    Sum,
    Transform,
    inverse,
    joined,
)

NEUTRAL = {"bias": 0.0, "bias_ih": 0.0, "bias_hh": 0.0, "weight": 1.0}
"""What a weight is that a layer does without. Only kinds whose ``weight`` is a scale can lack it."""


@dataclass(frozen=True)
class Piece:
    """What one weight puts into one tensor of the target.

    Attributes:
        target: the tensor.
        part: the slice of it that the piece fills, None for all of it.
        sources: the tensors it is made of; none for a constant.
        chain: from the sources to the slice, in the target's layout.
        layer: names of the two layers.
        evidence: what says that they belong together.
        note: what a reader of the plan should know.
    """

    target: TensorRef
    part: Part | None
    sources: tuple[TensorRef, ...]
    chain: Chain
    layer: tuple[str, str]
    evidence: str
    note: str = ""


def pieces(one: Node, two: Node, evidence: str) -> Iterable[Piece]:
    """Everything that a layer of the source puts into the tensors of a layer of the target."""
    layer = (one.name, two.name)
    # The tensors of a kind that no rule knows may be named after inner layers, which Keras numbers: they go by order.
    names = dict(zip(two.weights, one.weights, strict=True)) if not two.known else {}
    for slot, weight in two.weights.items():
        given = one.weights.get(names.get(slot, slot))
        if given is None and slot not in NEUTRAL:
            raise Mismatch(f"the source has no {slot}", where=f"{one.name} and {two.name}")
        if given is None:
            yield from _constant(weight, NEUTRAL[slot], layer, evidence, f"the source has no {slot}")
        elif len(weight.tensors) == 1:
            part, rest = taken_apart(weight.layout)
            chain = joined(given.layout, inverse(rest))
            yield Piece(weight.tensors[0], part, given.tensors, chain, layer, evidence, _note(chain))
        elif len(weight.tensors) == len(given.tensors):
            for target, source, (back, there) in zip(
                weight.tensors, given.tensors, zip(_addends(weight), _addends(given), strict=True), strict=True
            ):
                part, rest = taken_apart(back)
                yield Piece(target, part, (source,), joined(there, inverse(rest)), layer, evidence)
        else:
            yield from _shared_out(weight, given, layer, evidence)


def assembled(found: Iterable[Piece]) -> list[Row]:
    """One row for each tensor of the target.

    Raises:
        Mismatch: a tensor would have to hold two different things, or a part of it nothing.
    """
    by_target: dict[str, list[Piece]] = {}
    for piece in found:
        kept = by_target.setdefault(piece.target.name, [])
        same = [other for other in kept if other.part == piece.part]
        if not same:
            kept.append(piece)
        elif (same[0].sources, same[0].chain) != (piece.sources, piece.chain):
            raise Mismatch(
                "one tensor of the target would have to hold two different ones",
                where=piece.target.name,
                found=f"{_names(same[0])} (for {same[0].layer[1]}) and {_names(piece)} (for {piece.layer[1]})",
                help="the source keeps them apart where the target shares one tensor: unshare it, or tie the source's",
            )
    return [_row(parts) for parts in by_target.values()]


def _row(parts: Sequence[Piece]) -> Row:
    first = parts[0]
    target = first.target
    if first.part is None:
        sources, chain = first.sources, first.chain
    else:
        sources, chain = _put_together(sorted(parts, key=lambda piece: piece.part.start if piece.part else 0))
    dtypes = {ref.dtype for ref in sources} or {target.dtype}
    if len(dtypes) > 1:
        raise Mismatch("a tensor would be made of several types", where=target.name, found=", ".join(sorted(dtypes)))
    (dtype,) = dtypes
    return Row(
        target.name,
        tuple(ref.name for ref in sources),
        chain,
        sources[0].shape if sources else (),
        target.shape,
        first.layer,
        first.evidence,
        _cast(dtype, target.dtype, target.name),
        "; ".join(dict.fromkeys(piece.note for piece in parts if piece.note)),
    )


def _put_together(parts: Sequence[Piece]) -> tuple[tuple[TensorRef, ...], Chain]:
    """Parts that cover a tensor from end to end, one behind the other."""
    target = parts[0].target
    axes = {piece.part.axis for piece in parts if piece.part}
    place = 0
    for piece in parts:
        if piece.part is None or len(axes) != 1 or piece.part.start != place:
            raise Mismatch(
                "the parts of a packed tensor do not cover it",
                where=target.name,
                expected=f"a part that begins at {place}",
                found=", ".join(f"{other.part} from {_names(other)}" for other in parts),
            )
        place = piece.part.stop
    (axis,) = axes
    if place != target.shape[axis]:
        raise Mismatch("the end of a packed tensor is left out", where=target.name, found=f"{place} of {target.shape}")
    sources = tuple(ref for piece in parts for ref in piece.sources)
    if any(len(piece.sources) != 1 for piece in parts):
        raise Mismatch("a packed tensor is made of sums or constants, which is not known how to do", where=target.name)
    steps: list[Transform] = []
    if any(piece.chain for piece in parts):
        steps.append(Each(tuple(piece.chain for piece in parts)))
    steps.append(Concat(axis, tuple(piece.part.stop - piece.part.start for piece in parts if piece.part)))
    return sources, tuple(steps)


def _constant(weight: Weight, value: float, layer: tuple[str, str], evidence: str, note: str) -> Iterable[Piece]:
    for place, tensor in enumerate(weight.tensors):
        fill = Fill(value if place == 0 else 0.0, tensor.shape, tensor.dtype)
        yield Piece(tensor, None, (), (fill,), layer, evidence, f"{note}, so it becomes {value:g}")


def _shared_out(weight: Weight, given: Weight, layer: tuple[str, str], evidence: str) -> Iterable[Piece]:
    """One weight that the target keeps as a sum of several tensors: the first gets all of it, the rest zero."""
    first, *rest = zip(weight.tensors, _addends(weight), strict=True)
    tensor, back = first
    part, steps = taken_apart(back)
    chain = joined(given.layout, inverse(steps))
    note = f"{weight.tensors[0].name} takes the sum, the other {len(rest)} become zero"
    yield Piece(tensor, part, given.tensors, chain, layer, evidence, note)
    for other, _ in rest:
        yield Piece(
            other, None, (), (Fill(0.0, other.shape, other.dtype),), layer, evidence, "zero, for the sum is kept in one"
        )


def _addends(weight: Weight) -> list[Chain]:
    """The way from each tensor of a sum to the sum's layout."""
    if len(weight.tensors) == 1:
        return [weight.layout]
    each: list[Chain] = [()] * len(weight.tensors)
    steps = list(weight.layout)
    if steps and isinstance(first := steps[0], Each):
        each, steps = list(first.chains), steps[1:]
    if not steps or not isinstance(steps[0], Sum):
        raise Mismatch("several tensors that are no sum", where=weight.tensors[0].name, found=str(weight.layout))
    return [(*chain, *steps[1:]) for chain in each]


def taken_apart(layout: Chain) -> tuple[Part | None, Chain]:
    """A layout as the part of the stored tensor that it begins with, and the rest, which can be undone."""
    if layout and isinstance(layout[0], Part):
        return layout[0], layout[1:]
    return None, layout


def _names(piece: Piece) -> str:
    return ", ".join(ref.name for ref in piece.sources) or "a constant"


def _note(chain: Sequence[Transform]) -> str:
    """What a reader of the plan should know about a transform."""
    for transform in chain:
        if isinstance(transform, Sum):
            return "the sum of two that are always added; the way back gives one of them zero"
        if isinstance(transform, Axes):
            left, right = transform.sides
            moved = [(g, h) for g in left for h in right if len(g) > 1 and sorted(g) == sorted(h) and g != h]
            for before, after in moved:
                lengths = dict(transform.sizes)
                sizes = "x".join(str(lengths[name]) for name in before)
                return (
                    f"the features of a flattened {sizes} map are permuted from ({' '.join(before)}) "
                    f"to ({' '.join(after)})"
                )
    return ""


def _cast(source: str, target: str, name: str) -> str:
    kinds = {dtype_of(dtype).kind for dtype in (source, target)}
    if not kinds <= set("fV") and len(kinds) > 1:
        raise Mismatch(
            "a tensor would change its kind of numbers", where=name, expected=f"{target} values", found=source
        )
    return casting(source, target)
