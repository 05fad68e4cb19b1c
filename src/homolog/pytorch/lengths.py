"""Operators that read a second tensor for no more than its shape or its element type, as those that are told these.

``x.expand_as(y)`` depends on y as ``x.expand(y.shape)`` does: not on its values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homolog.pytorch.entries import is_open, short

if TYPE_CHECKING:
    import torch

SHAPED = {"expand_as": "expand", "view_as": "view", "reshape_as": "reshape"}


def told_lengths(program: torch.export.ExportedProgram) -> None:
    """Put the lengths and types themselves in the place of the tensors that have them."""
    import torch

    graph = program.graph
    for entry in list(graph.nodes):
        name = short(entry) if entry.op == "call_function" else ""
        if name in SHAPED:
            given, like = entry.args
            with graph.inserting_before(entry):
                entry.args = (given, [_length(graph, like, axis) for axis in range(like.meta["val"].dim())])
            entry.target = getattr(torch.ops.aten, SHAPED[name]).default
        elif name == "type_as":
            given, like = entry.args
            entry.target, entry.args = torch.ops.aten.to.dtype, (given, like.meta["val"].dtype)


def _length(graph: torch.fx.Graph, like: Any, axis: int) -> Any:
    """A length of a tensor: a number, or what asks the tensor for it where the inputs tell it."""
    import torch

    length = like.meta["val"].shape[axis]
    if not is_open(length):
        return int(length)
    found = graph.call_function(torch.ops.aten.sym_size.int, (like, axis))
    found.meta["val"] = length
    return found
