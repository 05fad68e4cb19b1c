"""Two Graphs → Plan."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from homolog.errors import Mismatch
from homolog.graph import PARAMETER, Graph, Node, Value
from homolog.matching import order, structure
from homolog.matching.carrying import carry
from homolog.matching.differences import differences
from homolog.matching.folds import folded
from homolog.matching.probing import probe
from homolog.matching.rows import assembled
from homolog.matching.structure import Pairing
from homolog.plan import Ignored, Plan, Row

__all__ = ["carry", "differences", "match"]

ASIDE = "preprocessing of the input, which the other network does not have; it stays as it is"
COUNTED = "whole numbers that only choose, which the other network keeps no weight for; they stay as they are"


def match(a: Graph, b: Graph, source: str = "", target: str = "", settled: Mapping[str, str] | None = None) -> Plan:
    """Find for every tensor of ``b`` the tensors of ``a`` it is made of. Reads no bytes.

    Args:
        a, b: graphs of the source and the target, as the passes leave them.
        source, target: what they came from, for people.
        settled: pairs of layers that are known already, where the graphs do not tell.

    Raises:
        Mismatch: the two do not correspond; every tensor that found no partner is listed.
    """
    a, b = _same_choices(*_same_preprocessing(a, b))
    confidence = "graph"
    pairing = structure.pair(a, b, settled) if a.wired and b.wired else None
    if pairing is None or pairing.left or pairing.right:
        a, b, pairing = order.pair(a, b)
        confidence = "order and shapes"
    if pairing.left or pairing.right or not (pairing.pairs or pairing.packed):
        raise _unmatched(a, b, pairing)
    rows = assembled(folded(a, b, pairing))
    a, rows = _tied(a, b, rows)
    place = {name: index for index, name in enumerate(b.tensors())}
    rows.sort(key=lambda row: place[row.target])
    a = _without_place(a, b, pairing, rows)
    _check_coverage(a, b, rows)
    pairs = _extended(a, b, pairing) if a.wired and b.wired else tuple((one, two) for one, two, _ in pairing.pairs)
    named = differences(a, b, pairs)
    plan = Plan(tuple(rows), pairs, tuple(_ignored(a, b)), named, confidence, source, target, ties=pairing.ties)
    if settled is not None or not plan.ties or not plan.differences:
        return plan
    return probe(
        plan,
        lambda known: match(a, b, source, target, known),
        lambda tried: (not tried.differences, -len(tried.differences)),
        "settings",
    )


def _same_preprocessing(a: Graph, b: Graph) -> tuple[Graph, Graph]:
    """Statistics that inputs are normalised with, of a side alone, are no weights of the network that both are; that
    they are there is a difference, and named as one."""
    counts = [graph.kinds()["normalization"] for graph in (a, b)]
    if counts[0] == counts[1]:
        return a, b
    return _set_aside(a), _set_aside(b)


def _set_aside(graph: Graph) -> Graph:
    names = [name for name, node in graph.nodes.items() if node.kind == "normalization"]
    return _left_out(graph, names, ASIDE)


def _same_choices(a: Graph, b: Graph) -> tuple[Graph, Graph]:
    """Whole numbers that a side alone keeps among its weights, such as the positions that a table is looked up at,
    are no weights of the network that both are: the other counts them itself."""
    chosen = [[node.name for node in graph.nodes.values() if _of_whole_numbers(node)] for graph in (a, b)]
    if len(chosen[0]) == len(chosen[1]):
        return a, b
    return _left_out(a, chosen[0], COUNTED), _left_out(b, chosen[1], COUNTED)


def _of_whole_numbers(node: Node) -> bool:
    refs = [ref for weight in node.weights.values() for ref in weight.tensors] if node.kind == PARAMETER else []
    return bool(refs) and all(ref.dtype.startswith(("int", "uint")) for ref in refs)


def _left_out(graph: Graph, names: Iterable[str], reason: str) -> Graph:
    nodes = dict(graph.nodes)
    for name in names:
        node = nodes[name]
        refs = {ref: reason for weight in node.weights.values() for ref in weight.tensors}
        nodes[name] = replace(node, weights={}, ignored={**node.ignored, **refs})
    return graph.with_nodes(nodes)


def _tied(a: Graph, b: Graph, rows: Sequence[Row]) -> tuple[Graph, list[Row]]:
    """The rows, with one for every other name of a tensor that is filled, and the source with the other names of what
    is read left out: a traced graph calls tied tensors by one of their names."""
    used, held, targets = {name for row in rows for name in row.sources}, a.tensors(), b.tensors()
    read = {held[name].storage: name for name in used if held[name].storage is not None}
    aliases = {ref: f"the same tensor as {read[ref.storage]}" for ref in a.loose if ref.storage in read}
    if aliases:
        first = next(iter(a.nodes.values()))
        a = a.with_nodes({**a.nodes, first.name: replace(first, ignored={**first.ignored, **aliases})})
    filled = {storage: row for row in rows if (storage := targets[row.target].storage) is not None}
    again = [replace(filled[ref.storage], target=ref.name) for ref in b.loose if ref.storage in filled]
    return a, [*rows, *again]


def _without_place(a: Graph, b: Graph, pairing: Pairing, rows: Sequence[Row]) -> Graph:
    """The source with the weights set aside that a layer has because it is set differently than its counterpart (a
    GRU's recurrent bias, without ``reset_after`` on the other side). That it is set so is a difference, and named."""
    used = {name for row in rows for name in row.sources}
    nodes = dict(a.nodes)
    for one, two, _ in pairing.pairs:
        node, other = a.nodes[one], b.nodes[two]
        lacking = {slot for slot in node.weights if slot not in other.weights}
        refs = [ref for slot in lacking for ref in node.weights[slot].tensors if ref.name not in used]
        if refs and differences(a, b, [(one, two)]):
            reason = f"{two} is set differently and has no {', '.join(sorted(lacking))}"
            kept = {slot: weight for slot, weight in node.weights.items() if slot not in lacking}
            nodes[one] = replace(node, weights=kept, ignored={**node.ignored, **dict.fromkeys(refs, reason)})
    return a.with_nodes(nodes)


def _check_coverage(a: Graph, b: Graph, rows: Sequence[Row]) -> None:
    """Every tensor of both sides is in a row or ignored with a reason."""
    used_a = {name for row in rows for name in row.sources} | {ref.name for n in a.nodes.values() for ref in n.ignored}
    used_b = {row.target for row in rows} | {ref.name for n in b.nodes.values() for ref in n.ignored}
    left = [ref for name, ref in a.tensors().items() if name not in used_a]
    right = [ref for name, ref in b.tensors().items() if name not in used_b]
    if left or right:
        raise Mismatch(
            f"{len(left)} tensors of the source and {len(right)} of the target have no place in the other network",
            details=[
                *(f"source only: {ref.name} {ref.shape} {ref.dtype}" for ref in left),
                *(f"target only: {ref.name} {ref.shape} {ref.dtype}" for ref in right),
            ],
        )


def _ignored(a: Graph, b: Graph) -> Iterable[Ignored]:
    for side, graph in (("source", a), ("target", b)):
        for node in graph.nodes.values():
            for ref, reason in node.ignored.items():
                yield Ignored(side, ref.name, reason)


def _extended(a: Graph, b: Graph, pairing: Pairing) -> tuple[tuple[str, str], ...]:
    """The pairs of layers, and of the operations between them that are alike and fed alike."""
    partner = {one: two for one, two, _ in pairing.pairs}
    readers = b.consumers()
    taken = set(partner.values())
    for one, two in zip(a.inputs, b.inputs, strict=False):
        partner[one.name] = two.name
    for node in a.nodes.values():
        if node.name in partner or not node.inputs or not all(value.node in partner for value in node.inputs):
            continue
        wanted = tuple(Value(partner[value.node], value.index) for value in node.inputs)
        for other in readers.get(wanted[0], ()):
            if other.name not in taken and other.kind == node.kind and other.inputs == wanted:
                partner[node.name] = other.name
                taken.add(other.name)
                break
    return tuple((name, partner[name]) for name in a.nodes if name in partner)


def _unmatched(a: Graph, b: Graph, pairing: Pairing) -> Mismatch:
    """Every tensor that found no partner, in an order that shows where the two part."""
    left = [_line(a.nodes[name]) for name in pairing.left]
    right = [_line(b.nodes[name]) for name in pairing.right]
    ours = [structure.signature(a.nodes[name]) for name in pairing.left]
    theirs = [structure.signature(b.nodes[name]) for name in pairing.right]
    details = []
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for tag, start_a, end_a, start_b, end_b in matcher.get_opcodes():
        if tag != "equal":
            details += [f"source only: {line}" for line in left[start_a:end_a]]
            details += [f"target only: {line}" for line in right[start_b:end_b]]
    if not details:
        details = ["the layers are alike one by one, but they are connected differently"]
    return Mismatch(
        "the two networks do not correspond",
        expected="for every layer with weights one of the same kind and shapes on the other side",
        found=f"{len(a.layers)} layers with weights in the source, {len(b.layers)} in the target",
        details=details,
        help="compare them layer by layer with: homolog inspect A; homolog inspect B",
    )


def _line(node: Node) -> str:
    shapes = ", ".join(f"{ref.name} {tuple(ref.shape)}" for weight in node.weights.values() for ref in weight.tensors)
    return f"{node.type or node.kind} {node.name}: {shapes}"
