"""What a layer of the target does not keep, folded into its neighbour where that leaves the function as it is.

A convolution's bias in front of a batch norm is the same as a smaller moving mean. A batch norm's scale is the same as
a larger kernel, bias and moving mean in front of it (at inference; the last place may round).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from homolog.graph import Graph, Node, Value, Weight
from homolog.matching.packed import shared
from homolog.matching.rows import Piece, pieces, taken_apart
from homolog.matching.structure import Pairing
from homolog.transforms import Axes, Chain, Each, Less, Times, Transform, inverse, joined

IN_FRONT = ("conv1d", "conv2d", "conv3d", "linear")
"""Kinds whose weight has its output channels first."""


@dataclass(frozen=True)
class Fold:
    """One more array in the making of a weight: how, which, and in what layout."""

    how: Transform
    weight: Weight
    layout: Chain
    note: str


Folds = Mapping[tuple[str, str], list[Fold]]


def folded(a: Graph, b: Graph, pairing: Pairing) -> Iterator[Piece]:
    """Everything that the source's layers put into the target's tensors."""
    pairs = pairing.pairs
    for left, right in pairing.packed:
        yield from shared([a.nodes[name] for name in left], [b.nodes[name] for name in right])
    folds = _folds(a, b, {two: one for one, two, _ in pairs})
    for one, two, evidence in pairs:
        layer = b.nodes[two]
        slots = {ref.name: slot for slot, weight in layer.weights.items() for ref in weight.tensors}
        for piece in pieces(a.nodes[one], layer, evidence):
            slot = slots[piece.target.name]
            more = folds.get((two, slot))
            yield _with(piece, a.nodes[one].weights[slot], layer.weights[slot], more) if more else piece


def _folds(a: Graph, b: Graph, partner: Mapping[str, str]) -> Folds:
    """For each weight of the target that takes something over, what."""
    readers = b.consumers()
    found: dict[tuple[str, str], list[Fold]] = {}
    for two, one in partner.items():
        front = b.nodes[two]
        behind = readers.get(Value(two), [])
        if front.kind not in IN_FRONT or len(behind) != 1 or behind[0].kind != "batch_norm":
            continue
        norm = behind[0]
        if norm.name not in partner:
            continue
        given, scaled = a.nodes[one], a.nodes[partner[norm.name]]
        if "bias" in given.weights and "bias" not in front.weights:
            note = f"the bias of {one} is folded in, for {two} has none"
            found.setdefault((norm.name, "running_mean"), []).append(Fold(Less(), given.weights["bias"], (), note))
        if "weight" in scaled.weights and "weight" not in norm.weights:
            for name, slot in ((two, "weight"), (two, "bias"), (norm.name, "running_mean")):
                if slot in b.nodes[name].weights:
                    found.setdefault((name, slot), []).append(_scale(scaled, norm, b.nodes[name], slot))
    return found


def _scale(scaled: Node, norm: Node, layer: Node, slot: str) -> Fold:
    rank = len(layer.weights[slot].shape)
    spread: Chain = (Axes(f"c -> c{' 1' * (rank - 1)}"),) if rank > 1 else ()
    note = f"the scale of {scaled.name} is folded in, for {norm.name} has none; the last place may round"
    return Fold(Times(), scaled.weights["weight"], spread, note)


def _with(piece: Piece, given: Weight, weight: Weight, folds: list[Fold]) -> Piece:
    """A piece made of more than its own tensor."""
    chains = [given.layout, *(joined(fold.weight.layout, fold.layout) for fold in folds)]
    steps: list[Transform] = [Each(tuple(chains))] if any(chains) else []
    steps += [fold.how for fold in folds]
    _, rest = taken_apart(weight.layout)
    return replace(
        piece,
        sources=(*given.tensors, *(ref for fold in folds for ref in fold.weight.tensors)),
        chain=(*steps, *inverse(rest)),
        note="; ".join([*([piece.note] if piece.note else []), *(fold.note for fold in folds)]),
    )
