"""What ``torch.export`` puts into graphs of their own because a mode holds there, put back in line.

A part of a forward that runs without gradients, or under autocast, is exported as one call of a graph inside the graph.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

WRAPPERS = {"wrap_with_set_grad_enabled": 1, "wrap_with_autocast": 4}
"""For each call that wraps a graph the place of the graph among its arguments; what the graph reads follows."""


def inline(module: torch.fx.GraphModule) -> None:
    """Put the nodes of every wrapped graph in the place of its call, the innermost first."""
    graph = module.graph
    for entry in list(graph.nodes):
        place = WRAPPERS.get(str(entry.target)) if entry.op == "call_function" else None
        if place is None:
            continue
        inner = module.get_submodule(entry.args[place].target)
        inline(inner)  # type: ignore[arg-type]
        entries = [node for node in inner.graph.nodes if node.op == "placeholder"]  # type: ignore[union-attr]
        known = dict(zip(entries, entry.args[place + 1 :], strict=True))
        with graph.inserting_before(entry):
            given: Any = graph.graph_copy(inner.graph, known)  # type: ignore[arg-type]
        if not isinstance(given, list | tuple):
            entry.replace_all_uses_with(given)
        for user in list(entry.users):
            if user.target is operator.getitem:
                user.replace_all_uses_with(given[user.args[1]])
                graph.erase_node(user)
        graph.erase_node(entry)
