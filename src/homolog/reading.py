"""Two networks → two graphs that know their shapes: what one does not say of its inputs, the other often does.

A PyTorch module says nothing of the shapes it takes; its Keras twin does, channels last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from homolog.graph import Graph, Node, OpenShape, Value
from homolog.network import Network
from homolog.passes.layout import ORDER, Labels, labels_at
from homolog.tensors import Array

FREE_LENGTH = 64
"""Length of an axis that a model leaves open, where it has to be run once."""


def read_both(first: Network, second: Network, inputs: Sequence[Array] | None = None) -> tuple[Graph, Graph]:
    """The graphs of both networks, each told the shapes of its inputs by the other where it does not know them.

    Args:
        first, second: the networks.
        inputs: of the first; the second's follow from them.
    """
    if inputs is not None or not first.must_be_traced:
        left = first.graph(inputs)
        return _completed(first, left, second, second.graph(examples(left) if second.must_be_traced else None))
    if second.must_be_traced:
        left = first.graph()  # says what it needs
    right = second.graph()
    return _completed(first, first.graph(examples(right)), second, right)


def _completed(first: Network, left: Graph, second: Network, right: Graph) -> tuple[Graph, Graph]:
    """Tell a graph that does not know the shapes of its inputs what the other says of them."""
    if not (left.wired and right.wired) or len(left.inputs) != len(right.inputs):
        return left, right
    if _unsized(left) and not _unsized(right):
        return first.graph(examples(right, left)), right
    if _unsized(right) and not _unsized(left):
        return left, second.graph(examples(left, right))
    return left, right


def examples(graph: Graph, across: Graph | None = None) -> list[Array]:
    """Inputs of zeros for the network across, of the shapes that this graph's inputs have.

    Args:
        graph: knows the shapes.
        across: the other graph where it is known; its labels say in which order it takes the axes. Without it the
            channels come first, as PyTorch has them.
    """
    made = []
    for index, node in enumerate(graph.inputs):
        shape = node.shapes[0] if node.shapes else ()
        have = labels_at(node)
        if have is not None:
            want = _channels_first(have) if across is None else labels_at(across.inputs[index])
            shape = reordered(shape, have, want)
        sizes = [2, *(FREE_LENGTH if length is None else length for length in shape[1:])]
        made.append(np.zeros(sizes, np.int64 if vocabulary(graph, node) is not None else np.float32))
    return made


def reordered(shape: OpenShape, have: Labels, want: Labels | None) -> OpenShape:
    """A shape with its axes in the order of other labels; as it is where they do not speak of the same axes."""
    if want is None or len(want) != len(have) or len(shape) != len(have):
        return shape
    names = [label[0][0] for label in have]
    return tuple(shape[names.index(label[0][0])] for label in want)


def vocabulary(graph: Graph, node: Node) -> int | None:
    """How many ids the embedding behind an input knows, None if there is none."""
    sizes = [
        reader.weights["weight"].shape[0]
        for reader in graph.consumers().get(Value(node.name), ())
        if reader.kind == "embedding" and "weight" in reader.weights
    ]
    return min(sizes, default=None)


def _channels_first(labels: Labels) -> Labels:
    return tuple(sorted(labels, key=lambda label: ORDER.get(label[0][0], len(ORDER))))


def _unsized(graph: Graph) -> bool:
    return any(not node.shapes or None in node.shapes[0][1:] for node in graph.inputs)
