"""Two networks → two graphs that know their shapes: what one does not say of its inputs, the other often does.

A PyTorch module says nothing of the shapes it takes, and of its arguments nothing but their names; its Keras twin
does, channels last. The graphs that come out of here have corresponding inputs at the same places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from homolog.graph import Framework, Graph, Node, OpenShape, Value
from homolog.network import Network
from homolog.passes.layout import ORDER, Labels, labels_at
from homolog.signature import BELOW, Argument, Given, lengths, paired, reordered_inputs
from homolog.tensors import Array

BATCH = 2
SUMS = {"add", "sub"}
"""Operators of ATen that make other ids of ids."""
CATEGORIES = {"one_hot", "ops.OneHot"}
"""Operators that give each id an axis of its own."""
COMPARISONS = {"eq", "ne", "lt", "le", "gt", "ge"} | {
    f"ops.{name}" for name in ("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual")
}
"""Operators of both that tell ids apart, and make none."""


def read_both(first: Network, second: Network, inputs: Given | None = None) -> tuple[Graph, Graph]:
    """The graphs of both networks, each told the shapes of its inputs by the other where it does not know them.

    The inputs of the second come in the order of those of the first that they correspond to.

    Args:
        first, second: the networks.
        inputs: of the first; the second's follow from them.

    Raises:
        Mismatch: one takes an input that the other has not.
    """
    if inputs is not None or not first.must_be_traced:
        left = first.graph(inputs)
        right = second.graph(_told(left, second) if second.must_be_traced else None)
    else:
        if second.must_be_traced:
            first.graph()  # says what it needs
        right = second.graph()
        left = first.graph(_told(right, first))
    return _completed(first, left, second, corresponding(left, right))


def corresponding(left: Graph, right: Graph) -> Graph:
    """The second graph with its inputs in the order of those of the first that they correspond to."""
    if not (left.wired and right.wired) or len(left.inputs) != len(right.inputs):
        return right  # weights can be matched all the same; what runs both says what is wrong
    return reordered_inputs(right, paired(_arguments(left), _arguments(right)))


def _completed(first: Network, left: Graph, second: Network, right: Graph) -> tuple[Graph, Graph]:
    """Tell a graph that does not know the shapes of its inputs what the other says of them."""
    if not (left.wired and right.wired) or len(left.inputs) != len(right.inputs):
        return left, right
    if _unsized(left) and not _unsized(right):
        return first.graph(examples(right, left)), right
    if _unsized(right) and not _unsized(left):
        return left, corresponding(left, second.graph(examples(left, right)))
    return left, right


def _told(graph: Graph, network: Network) -> Given:
    """Inputs for a network that must be traced, by its arguments where it has a name for each."""
    made = list(examples(graph).values())
    arguments = network.live.arguments()
    if arguments is None:
        return made
    places = paired(_arguments(graph), arguments)
    return {arguments[place].name: made[places.index(place)] for place in sorted(places)}


def examples(graph: Graph, across: Graph | None = None) -> Mapping[str, Array]:
    """Inputs of zeros for the network across, of the shapes that this graph's inputs have.

    Args:
        graph: knows the shapes.
        across: the other graph where it is known, with its inputs in the same order; its labels say in which order it
            takes the axes. Without it, and where it has no labels, they come as PyTorch has them, channels first.

    Returns:
        By the names of the inputs of ``across``; of ``graph`` where that is not known.
    """
    made = {}
    for index, node in enumerate(graph.inputs):
        shape = node.shapes[0] if node.shapes else ()
        have = labels_at(node)
        other = None if across is None else across.inputs[index]
        if have is not None:
            framework = "pytorch" if across is None else across.framework
            shape = reordered(shape, have, customary(have, other, framework))
        made[(other or node).name] = np.zeros(lengths(shape, BATCH), element_type(graph, node))
    return made


def element_type(graph: Graph, node: Node) -> str:
    """What an input holds: ids, and whatever is declared to be whole numbers, as PyTorch has them; else float32."""
    dtype = str(node.fields.get("dtype", ""))
    if dtype == "bool":
        return dtype
    return "int64" if vocabulary(graph, node) is not None or dtype.startswith(("int", "uint")) else "float32"


def customary(have: Labels, node: Node | None, framework: Framework) -> Labels | None:
    """The labels of an input that corresponds to one with other labels: its own, or else those that are the custom of
    its framework, if they are not at odds with its shape."""
    own = None if node is None else labels_at(node)
    if own is not None or len(have) < 3 or any(len(label) != 1 for label in have):
        return own
    first = tuple(sorted(have, key=lambda label: ORDER.get(label[0][0], len(ORDER))))
    usual = first if framework == "pytorch" else (first[0], *first[2:], first[1])
    shape = node.shapes[0] if node is not None and node.shapes else None
    told = tuple(label[0][1] for label in usual)
    fits = shape is None or (len(shape) == len(told) and _agree(shape[1:], told[1:]))
    return usual if fits else None


def _agree(one: OpenShape, two: OpenShape) -> bool:
    return all(None in (n, m) or n == m for n, m in zip(one, two, strict=True))


def reordered(shape: OpenShape, have: Labels, want: Labels | None) -> OpenShape:
    """A shape with its axes in the order of other labels; as it is where they do not speak of the same axes."""
    if want is None or len(want) != len(have) or len(shape) != len(have):
        return shape
    names = [label[0][0] for label in have]
    return tuple(shape[names.index(label[0][0])] for label in want)


def vocabulary(graph: Graph, node: Node) -> int | None:
    """How many ids the embeddings behind an input know, or how many categories are told apart; None if it holds
    neither.

    Casts, views and whatever else has no weights and reads nothing else may lie between. Where that is a sum (each
    column of a table has ids of its own in one embedding), no more ids than those that the user gave are known to be
    any. An embedding that reads nothing but what comparisons tell of them counts where there is no other.
    """
    given = node.fields.get(BELOW)
    found = list(_tables(graph, node))
    read = [(size, summed) for size, summed in found if summed is not None]
    if found and not read:
        return max(2, min(size for size, _ in found))  # which any ids go into, and two may tell apart
    sizes = [size if given is None or not summed else min(size, int(str(given))) for size, summed in read]
    return min(sizes, default=None)


def _tables(graph: Graph, node: Node) -> Iterator[tuple[int, bool | None]]:
    """The rows of each embedding behind an input, as a product with one-hot rows is one too, and whether something is
    added to the ids in front of it; None if it reads no ids. A real number is no category: which one it falls into is
    computed.

    What lies between may read the ids in several places (``where(ids < 0, ids + rows, ids)``), but nothing else. What
    is made of comparisons alone holds no ids: positions that are counted where there is no padding, say.
    """
    readers, whole = graph.consumers(), "int" in str(node.fields.get("dtype", ""))
    summed: dict[Value, bool | None] = {Value(node.name): False}  # of what the ids alone make; None where it is none
    waiting = list(summed)
    while waiting:
        value = waiting.pop()
        for reader in readers.get(value, ()):
            made, known = Value(reader.name), _known(reader, whole)
            if known is not None:
                yield known, summed[value]
            elif made not in summed and not reader.weights and all(other in summed for other in reader.inputs):
                ids = [added for other in reader.inputs if (added := summed[other]) is not None]
                told = not ids or reader.type in COMPARISONS
                summed[made] = None if told else reader.type in SUMS or all(ids)
                waiting.append(made)


def _known(reader: Node, whole: bool) -> int | None:
    """How many ids a node knows, or how many categories it makes of whole numbers; None if it does neither."""
    if reader.kind == "embedding" and "weight" in reader.weights:
        return reader.weights["weight"].shape[0]
    return reader.shapes[0][-1] if whole and reader.type in CATEGORIES else None


def _arguments(graph: Graph) -> tuple[Argument, ...]:
    """What a graph says of its inputs."""
    return tuple(
        Argument(
            node.name,
            "int64" if vocabulary(graph, node) is not None else str(node.fields.get("dtype", "")),
            len(node.shapes[0]) if node.shapes else None,
        )
        for node in graph.inputs
    )


def _unsized(graph: Graph) -> bool:
    return any(not node.shapes or None in node.shapes[0][1:] for node in graph.inputs)
