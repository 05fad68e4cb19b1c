"""PyTorch's own functionalisation, which keeps what it would take for nothing at inference, dropout, and what it would
say in words of its own: batch norm."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


TRAINING = 5
"""Place of the argument of batch norm that says whether it takes the statistics of the batch."""
NONE: Mapping[Any, Any] = MappingProxyType({})


def functionalised(
    program: torch.export.ExportedProgram, table: Mapping[Any, Any] = NONE
) -> torch.export.ExportedProgram:
    """The program without any change in place, and with its dropouts and batch norms.

    Args:
        program: stays as it was, but for dropouts in place.
        table: operators that are taken apart, and what PyTorch says each is made of.
    """
    import torch

    kept, norm = _kept()
    for entry in list(program.graph.nodes):
        if entry.target is torch.ops.aten.dropout.default:
            entry.target = kept
        elif entry.target is torch.ops.aten.dropout_.default:
            with program.graph.inserting_after(entry):
                other = program.graph.call_function(kept, entry.args)
            other.meta = dict(entry.meta)
            entry.replace_all_uses_with(other)
            program.graph.erase_node(entry)
        elif entry.target is torch.ops.aten.batch_norm.default and not entry.args[TRAINING]:
            entry.target = norm
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)  # PyTorch of itself
        changed: torch.export.ExportedProgram = program.run_decompositions(dict(table))
    for entry in (*program.graph.nodes, *changed.graph.nodes):
        if entry.target is kept:
            entry.target = torch.ops.aten.dropout.default
        elif entry.target is norm:
            entry.target = torch.ops.aten.batch_norm.default
    return changed


@cache
def _kept() -> tuple[Any, Any]:
    """Operators that are nothing but of the same shape as dropout and batch norm at inference."""
    import torch

    library = torch.library.Library("homolog", "FRAGMENT")
    library.define("dropout(Tensor input, float p, bool train) -> Tensor")
    library.impl("dropout", lambda tensor, p, train: tensor.clone(), "CompositeExplicitAutograd")
    schema = str(torch.ops.aten.batch_norm.default._schema)
    library.define(schema.replace("aten::batch_norm", "kept_batch_norm"))
    library.impl("kept_batch_norm", lambda tensor, *given: tensor.clone(), "CompositeExplicitAutograd")
    _LIBRARIES.append(library)
    return torch.ops.homolog.dropout.default, torch.ops.homolog.kept_batch_norm.default


_LIBRARIES: list[object] = []
"""What is registered is gone once its library is collected."""
