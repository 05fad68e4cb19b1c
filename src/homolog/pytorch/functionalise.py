"""PyTorch's own functionalisation, which keeps what it would take for nothing at inference: dropout."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


NONE: Mapping[Any, Any] = MappingProxyType({})


def functionalised(
    program: torch.export.ExportedProgram, table: Mapping[Any, Any] = NONE
) -> torch.export.ExportedProgram:
    """The program without any change in place, and with its dropouts.

    Args:
        program: stays as it was, but for dropouts in place.
        table: operators that are taken apart, and what PyTorch says each is made of.
    """
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
        changed: torch.export.ExportedProgram = program.run_decompositions(dict(table))
    for entry in (*program.graph.nodes, *changed.graph.nodes):
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
