"""What no setting tells: a layer that computes something else, or an operation between two layers.

With every layer fed alike, the first that differs is where it is. What stands between it and the layer in front is
tried against the usual activations, and else named operation by operation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import SequenceMatcher

import numpy as np
from scipy import special

from homolog.graph import Graph, Node
from homolog.matching.differences import ACTIVATIONS as ACTIVATION_KINDS
from homolog.matching.differences import JOINS, PREPROCESSING
from homolog.proof.cause import Cause
from homolog.proof.localise import Observed, observe
from homolog.proof.samples import inputs_for
from homolog.proof.subjects import Subjects, Tolerance, distance
from homolog.tensors import Array

NEAR = 1e-6
"""Of the largest number: how near a known activation must come to be it."""
MOST_NAMED = 8
ARITHMETIC = {
    "add",
    "sub",
    "subtract",
    "mul",
    "multiply",
    "div",
    "divide",
    "true_divide",
    "neg",
    "negative",
    "rescaling",
}
REDUCTIONS = {"mean", "amax", "amin", "max", "min", "sum", "avg"}
Wide = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def _gelu_tanh(x: Wide) -> Wide:
    return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))))


def _leaky(slope: float) -> Callable[[Wide], Wide]:
    return lambda x: np.where(x > 0, x, slope * x)


def _hard_sigmoid(x: Wide) -> Wide:
    return np.asarray(np.clip(x / 6 + 0.5, 0, 1))


ACTIVATIONS: Mapping[str, Callable[[Wide], Wide]] = {
    "no activation": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    **{f"leaky relu with slope {slope}": _leaky(slope) for slope in (0.01, 0.1, 0.2, 0.3)},
    "gelu": lambda x: x * special.ndtr(x),
    "gelu by tanh": _gelu_tanh,
    "gelu by sigmoid": lambda x: x * special.expit(1.702 * x),
    "silu": lambda x: x * special.expit(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "softplus": lambda x: np.logaddexp(x, 0),
    "sigmoid": special.expit,
    "hard sigmoid": _hard_sigmoid,
    "hard swish": lambda x: x * _hard_sigmoid(x),
    "tanh": np.tanh,
    "softsign": lambda x: x / (1 + np.abs(x)),
}


def causes(subjects: Subjects) -> list[Cause]:
    """The first place where the networks differ, and what can be said of it."""
    inputs = inputs_for(subjects, batch=2, seed=0)
    pairs = list(observe(subjects, inputs, Tolerance()))
    for place, item in enumerate(pairs):
        if item.compared.agrees:
            continue
        one, two = item.compared.one, item.compared.two
        if item.compared.fed_alike is False or (item.compared.fed_alike is None and _differ(subjects, one, two)):
            return [_activation(item, pairs[:place]) or _operations(subjects, one, two)]
        words = f"{one.name} ({one.type}) and {two.name} ({two.type}) compute something else from the same input"
        return [
            Cause("setting", one.name, two.name, f"setting: {words}", _fed(item), "compare what the two are made with")
        ]
    return [_operations(subjects, None, None)] if pairs else []


def _differ(subjects: Subjects, one: Node, two: Node) -> bool:
    """Whether other operations stand in front of two layers; a pad may be part of the one."""
    ours, theirs = (_in_front(graph, node) for graph, node in ((subjects.graph_a, one), (subjects.graph_b, two)))
    plain = [[_plain(node) for node in nodes if "pad" not in node.kind] for nodes in (ours, theirs)]
    return plain[0] != plain[1]


def _fed(item: Observed) -> str:
    return f"tried: given the same, with the same weights, they differ by {item.compared.apart:.1e}"


def _activation(item: Observed, before: list[Observed]) -> Cause | None:
    """Two activations that make of what a layer in front gives what goes into this pair."""
    if item.fed is None:
        return None
    for front in reversed(before):
        given = front.given
        if given is None or given.shape != item.fed[0].shape or given.shape != item.fed[1].shape:
            continue
        ours, theirs = (_named(given, array) for array in item.fed)
        if ours is not None and theirs is not None and ours != theirs:
            one, two = front.compared.one.name, front.compared.two.name
            return Cause(
                "activation",
                one,
                two,
                f"activation: {ours} behind {one}, {theirs} behind {two}",
                f"tried: so it is, to {NEAR:.0e} of the largest number",
                f"put {ours} behind {two}",
            )
    return None


def _named(given: Array, found: Array) -> str | None:
    """The activation that gives the one from the other."""
    wide, goal = given.astype(np.float64), found.astype(np.float64)
    largest = float(np.abs(goal).max(initial=0))
    return next(
        (name for name, function in ACTIVATIONS.items() if distance(function(wide), goal) <= NEAR * largest), None
    )


def _operations(subjects: Subjects, one: Node | None, two: Node | None) -> Cause:
    """What stands in front of two layers, or in front of the outputs, in either network: the first operation that only
    one of them has, nearest to the layers in front."""
    ours, theirs = (_in_front(graph, node) for graph, node in ((subjects.graph_a, one), (subjects.graph_b, two)))
    left, right = _odd_one(ours, theirs)
    kind = _kind(left, right)
    at_inputs = _layer_in_front(subjects.graph_a, one, ours) == _layer_in_front(subjects.graph_b, two, theirs) == ""
    if kind == "wiring" and at_inputs and {_plain(node) for node in (left, right) if node is not None} <= ARITHMETIC:
        kind = "preprocessing"
    if left is None and right is None:
        where = (
            f"in front of {one.name} and {two.name}" if one is not None and two is not None else "before the outputs"
        )
        words = f"{_words(ours)} in the first, {_words(theirs)} in the second, {where}"
        source, target = "" if one is None else one.name, "" if two is None else two.name
    else:
        source = left.name if left is not None else _layer_in_front(subjects.graph_a, one, ours)
        target = right.name if right is not None else _layer_in_front(subjects.graph_b, two, theirs)
        words = f"{_word(left)} in the first ({source}), {_word(right)} in the second ({target})"
    tried = "tried: with every layer in front giving the same, what arrives behind it differs"
    return Cause(kind, source, target, f"{kind}: {words}", tried, "make the two do the same there, in the same order")


def _odd_one(ours: list[Node], theirs: list[Node]) -> tuple[Node | None, Node | None]:
    """The operation of either side where the two lists, from the front on, first differ."""
    first, second = ours[::-1], theirs[::-1]
    match = SequenceMatcher(None, [_plain(node) for node in first], [_plain(node) for node in second], autojunk=False)
    odd = [
        (first[start] if start < stop else None, second[begin] if begin < end else None)
        for tag, start, stop, begin, end in match.get_opcodes()
        if tag != "equal"
    ]
    joins = [
        (next((node for node in first[start:stop] if node.kind in JOINS), None), None)
        if (stop - start) > (end - begin)
        else (None, next((node for node in second[begin:end] if node.kind in JOINS), None))
        for tag, start, stop, begin, end in match.get_opcodes()
        if tag != "equal"
    ]
    return next((pair for pair in joins if pair != (None, None)), odd[0] if odd else (None, None))


def _kind(left: Node | None, right: Node | None) -> str:
    """What kind of cause two operations are that stand in each other's place."""
    names = {_plain(node) for node in (left, right) if node is not None}
    if any("pool" in name or name in REDUCTIONS for name in names) and len(names) == 2:
        return "pooling" if all("pool" in name or name in REDUCTIONS for name in names) else "wiring"
    if names & {"flip", "reverse"}:
        return "channel order"
    if names and names <= ACTIVATION_KINDS:
        return "softmax" if "softmax" in names else "activation"
    if any("pad" in name for name in names):
        return "padding"
    if any(name.startswith(("upsample", "resize", "interpolate")) for name in names):
        return "interpolation"
    return "preprocessing" if names & PREPROCESSING else "wiring"


def _in_front(graph: Graph, node: Node | None) -> list[Node]:
    """The operations between a node, or the outputs, and the layers in front, the nearest first."""
    waiting = [value.node for value in (graph.outputs if node is None else node.inputs)]
    found: list[Node] = []
    seen: set[str] = set()
    while waiting and len(found) < MOST_NAMED:
        current = graph.nodes[waiting.pop(0)]
        if current.name in seen or current.weights or current.kind == "input":
            continue
        seen.add(current.name)
        if current.kind not in ("identity", "dropout", "flatten", "reshape", "permute"):
            found.append(current)
        waiting += [value.node for value in current.inputs]
    return found


def _layer_in_front(graph: Graph, node: Node | None, between: list[Node]) -> str:
    """The nearest layer with weights in front of the operations, empty if there is none."""
    waiting = [value.node for value in (graph.outputs if node is None else node.inputs)]
    waiting += [value.node for item in between for value in item.inputs]
    while waiting:
        current = graph.nodes[waiting.pop(0)]
        if current.weights:
            return current.name
        waiting += [value.node for value in current.inputs]
    return ""


def _plain(node: Node) -> str:
    """The kind without its framework or overload, and Keras's operations (``keras:TrueDivide``) as PyTorch's."""
    name = node.kind.rpartition(":")[2].partition(".")[0]
    return re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _word(node: Node | None) -> str:
    return "nothing" if node is None else _plain(node)


def _words(nodes: list[Node]) -> str:
    return " ← ".join(map(_plain, nodes)) if nodes else "nothing"
