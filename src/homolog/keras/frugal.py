"""A functional model that lets go of its values as soon as nothing takes them any more.

Keras keeps every value of a pass until it is over, which is several times the weights where a network has many small
operations. A pass without gradients needs none of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from homolog.keras.exact import layers_of, lent


@contextmanager
def frugal(model: Any) -> Iterator[None]:
    """While the body runs, each value goes once the last operation that takes it has been given it.

    A node that stands in two models at once, one made of the other's tensors, keeps what it takes: the other model may
    give it out.
    """
    functions = list({id(function): function for layer in layers_of(model) for function in _functions(layer)}.values())
    shared = Counter(id(node) for function in functions for node in _nodes(function))
    with ExitStack() as stack:
        for function in functions:
            for node, values in _last_uses(function):
                if values and shared[id(node)] == 1:
                    giving = _letting_go(node.arguments.fill_in, values)
                    stack.enter_context(lent(node.arguments, "fill_in", giving))
        yield


def _functions(layer: Any) -> Iterator[Any]:
    for function in (layer, getattr(layer, "_functional", None)):  # the second is what a Sequential is run by
        if hasattr(function, "_nodes_by_depth"):
            yield function


def _nodes(function: Any) -> Iterator[Any]:
    """In the order in which they are run."""
    by_depth = function._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from (node for node in by_depth[depth] if not node.is_input)


def _last_uses(function: Any) -> Iterator[tuple[Any, set[int]]]:
    """Each node with the values that nothing behind it takes, and that the function does not give."""
    later = {id(tensor) for tensor in function.outputs}
    for node in reversed(list(_nodes(function))):
        taken = {id(tensor) for tensor in node.input_tensors}
        yield node, taken - later
        later |= taken


def _letting_go(fill_in: Callable[..., Any], values: set[int]) -> Callable[..., Any]:
    def given(tensors: dict[int, Any]) -> Any:
        filled = fill_in(tensors)
        for value in values:
            tensors.pop(value, None)
        return filled

    return given
