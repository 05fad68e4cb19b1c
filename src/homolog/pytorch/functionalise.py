"""PyTorch's own functionalisation, which keeps what it would take for nothing at inference: dropout."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def functionalised(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The program without any change in place, and with its dropouts."""
    import torch

    kept: Any = _kept()
    for entry in list(program.graph.nodes):
        if entry.target is torch.ops.aten.dropout.default:
            entry.target = kept
        elif entry.target is torch.ops.aten.dropout_.default:
            with program.graph.inserting_after(entry):
                other = program.graph.call_function(kept, entry.args)
            other.meta = dict(entry.meta)
            entry.replace_all_uses_with(other)
            program.graph.erase_node(entry)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)  # PyTorch of itself
        changed: torch.export.ExportedProgram = program.run_decompositions({})
    for entry in changed.graph.nodes:
        if entry.target is kept:
            entry.target = torch.ops.aten.dropout.default
    return changed


@cache
def _kept() -> object:
    """An operator that does what dropout does at inference."""
    import torch

    library = torch.library.Library("homolog", "FRAGMENT")
    library.define("dropout(Tensor input, float p, bool train) -> Tensor")
    library.impl("dropout", lambda tensor, p, train: tensor.clone(), "CompositeExplicitAutograd")
    _LIBRARIES.append(library)
    return torch.ops.homolog.dropout.default


_LIBRARIES: list[object] = []
"""What is registered is gone once its library is collected."""
