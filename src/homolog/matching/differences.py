"""Where two networks with corresponding weights are not the same function, told from their configuration.

Two things are compared: the settings of corresponding layers, and the activations behind them. Only what is certain is
named; where an operation is written in another way, running both decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from math import isclose
from typing import cast

from homolog import rules
from homolog.graph import Graph, Node, Value
from homolog.matching.skeleton import COMMUTATIVE
from homolog.plan import Difference

TRANSPARENT = {"identity", "dropout", "flatten", "reshape", "permute", *(f"max_pool{rank}d" for rank in (1, 2, 3))}
"""Kinds in front of or behind which an activation gives the same: max pooling keeps the order of numbers."""
ACTIVATIONS = {rule.kind for rule in rules.TABLE if rule.keras.activations} - {"identity"}
PREPROCESSING = {"normalization", "rescaling"}
JOINS = {*COMMUTATIVE, "concat"}

Pairs = Sequence[tuple[str, str]]


def differences(a: Graph, b: Graph, pairs: Pairs) -> tuple[Difference, ...]:
    """Everything in which corresponding nodes differ, in topological order.

    Args:
        a, b: the graphs.
        pairs: names of corresponding nodes.
    """
    readers = (a.consumers(), b.consumers())
    found: list[Difference] = list(_preprocessing((a, b), readers))
    for one, two in pairs:
        left, right = a.nodes[one], b.nodes[two]
        found += _settings(left, right)
        if left.kind not in ACTIVATIONS and left.kind not in TRANSPARENT:
            found += _activations((left, right), (a, b), readers)
    return tuple(item for index, item in enumerate(found) if item not in found[:index])


def _preprocessing(graphs: tuple[Graph, Graph], readers: Sequence[Mapping[Value, list[Node]]]) -> Iterator[Difference]:
    """What is done to each input before the network proper: one side may leave it to whoever calls it."""
    for one, two in zip(graphs[0].inputs, graphs[1].inputs, strict=False):
        ours, theirs = (_prepared(entry, read) for entry, read in zip((one, two), readers, strict=True))
        if [step.kind for step in ours] != [step.kind for step in theirs]:
            kinds = [" ".join(step.kind for step in steps) or "none" for steps in (ours, theirs)]
            yield Difference(one.name, two.name, "preprocessing", *kinds)
        else:
            for left, right in zip(ours, theirs, strict=True):
                yield from _settings(left, right)


def _prepared(entry: Node, readers: Mapping[Value, list[Node]]) -> list[Node]:
    """The rescalings and normalisations that an input goes through first; arithmetic with numbers is a rescaling."""
    found: list[Node] = []
    behind = readers.get(Value(entry.name), [])
    while len(behind) == 1:
        node, line = behind[0], _line(behind[0])
        if line is not None and found and (before := _line(found[-1])) is not None:
            scale, offset = before[0] * line[0], before[1] * line[0] + line[1]
            found[-1] = replace(found[-1], kind="rescaling", fields={"scale": scale, "offset": offset})
        elif line is not None:
            found.append(replace(node, kind="rescaling", fields={"scale": line[0], "offset": line[1]}))
        elif node.kind in PREPROCESSING:
            found.append(node)
        elif node.kind != "identity":
            break
        behind = readers.get(Value(node.name), [])
    return [step for step in found if _line(step) != (1.0, 0.0)]


def _line(node: Node) -> tuple[float, float] | None:
    """Scale and offset of a node that does no more than that, by one number each."""
    fields = node.fields
    if node.kind == "rescaling":
        scale, offset = fields.get("scale"), fields.get("offset", 0.0)
        plain = isinstance(scale, int | float) and isinstance(offset, int | float)
        return (float(cast(float, scale)), float(cast(float, offset))) if plain else None
    left, right = fields.get("left"), fields.get("right")
    number = right if left is None else left
    if len(node.inputs) != 1 or not isinstance(number, int | float) or isinstance(number, bool):
        return None
    turned = (left is not None) != bool(fields.get("reversed"))
    match node.kind:
        case "add":
            return 1.0, float(number)
        case "multiply":
            return float(number), 0.0
        case "subtract":
            return (-1.0, float(number)) if turned else (1.0, -float(number))
        case "divide" if not turned:
            return 1 / float(number), 0.0
    return None


def _settings(left: Node, right: Node) -> Iterator[Difference]:
    rule = rules.for_kind(left.kind)
    names = () if rule is None or left.kind != right.kind else rule.function_fields()
    for name in (*names, *(("stride",) if left.kind == right.kind == "linear" else ())):  # of one-cell convolutions
        if not equal(left.fields.get(name), right.fields.get(name)):
            yield Difference(left.name, right.name, name, left.fields.get(name), right.fields.get(name))


def _activations(
    heads: tuple[Node, Node], graphs: tuple[Graph, Graph], readers: Sequence[Mapping[Value, list[Node]]]
) -> Iterable[Difference]:
    """The activations behind two corresponding nodes, compared one by one."""
    ours, theirs = (_behind(head, graph, read) for head, graph, read in zip(heads, graphs, readers, strict=True))
    if ours is None or theirs is None:
        return
    for one, two in zip_longest(ours, theirs):
        if one is None or two is None or one.kind != two.kind:
            left, right = one or heads[0], two or heads[1]
            kinds = ["none" if entry is None else entry.kind for entry in (one, two)]
            yield Difference(left.name, right.name, "activation", *kinds)
            return
        yield from _settings(one, two)


def _behind(head: Node, graph: Graph, readers: Mapping[Value, list[Node]]) -> list[Node] | None:
    """The activations that a node's output goes through before anything else happens to it; None if that is not
    certain: the output goes two ways, or into something that no rule knows."""
    found: list[Node] = []
    value = Value(head.name)
    while behind := readers.get(value, []):
        node = behind[0]
        if len(behind) == 1 and node.kind in ACTIVATIONS:
            found.append(node)
        elif len(behind) > 1 or node.kind not in TRANSPARENT:
            return found if all(_is_end(reader) for reader in behind) and (found or len(behind) == 1) else None
        value = Value(node.name)
    return found if value in graph.outputs else None


def _is_end(node: Node) -> bool:
    """Whether what comes in is certainly no part of an activation that is written out in arithmetic."""
    rule = rules.for_kind(node.kind)
    spatial = rule is not None and rule.layout.way == "spatial"
    return bool(node.known and node.weights) or spatial or (node.kind in JOINS and len(node.inputs) > 1)


def equal(one: object, two: object) -> bool:
    """Whether two values of a setting are the same."""
    if isinstance(one, float | int) and isinstance(two, float | int):
        return isclose(one, two, rel_tol=1e-6)  # files round settings to float32
    if isinstance(one, tuple) and isinstance(two, tuple) and _words(one) != _words(two):
        return True  # what an axis runs along is known on one side only, and its number means nothing on the other
    return one == two


def _words(axes: tuple[object, ...]) -> bool:
    return any(isinstance(axis, str) for axis in axes)
