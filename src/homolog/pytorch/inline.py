"""What ``torch.export`` puts into graphs of their own because a mode holds there, put back in line.

A part of a forward that runs without gradients, or under autocast, is exported as one call of a graph inside the graph.
What comes out of one without gradients is detached, as far as a gradient would go through it.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NO_GRADIENTS = "wrap_with_set_grad_enabled"
WRAPPERS = {NO_GRADIENTS: 1, "wrap_with_autocast": 4}
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
        if str(entry.target) == NO_GRADIENTS and not entry.args[0]:
            with graph.inserting_before(entry):
                given = [_detached(graph, item) for item in given] if isinstance(given, list | tuple) else given
        if not isinstance(given, list | tuple):
            entry.replace_all_uses_with(given)
        for user in list(entry.users):
            if user.target is operator.getitem:
                user.replace_all_uses_with(given[user.args[1]])
                graph.erase_node(user)
        graph.erase_node(entry)


def _detached(graph: torch.fx.Graph, entry: Any) -> Any:
    import torch

    if not _is_float(entry):
        return entry
    found = graph.call_function(torch.ops.aten.detach.default, (entry,))
    found.meta = dict(entry.meta)
    return found


def without_idle_detaching(program: torch.export.ExportedProgram) -> None:
    """Take away what detaches a value through which no gradient would go: that neither a parameter nor an input with
    fractions reaches."""
    import torch

    signature = program.graph_signature
    begins = {*signature.user_inputs, *signature.inputs_to_parameters}
    reached: set[Any] = set()
    for entry in list(program.graph.nodes):
        if _is_float(entry) and (entry.name in begins or any(source in reached for source in entry.all_input_nodes)):
            reached.add(entry)
        elif entry.target is torch.ops.aten.detach.default:
            entry.replace_all_uses_with(entry.args[0])
            program.graph.erase_node(entry)


def _is_float(entry: Any) -> bool:
    """Whether a value has fractions; several values may."""
    value = entry.meta.get("val") if hasattr(entry, "meta") else None
    dtype = getattr(value, "dtype", None)
    return isinstance(value, list | tuple) or (dtype is not None and bool(dtype.is_floating_point))
