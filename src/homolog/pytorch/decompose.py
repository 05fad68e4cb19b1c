"""Composite operators that nobody writes, as what PyTorch itself says they are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from homolog.pytorch.aliases import plain
from homolog.pytorch.functional import depending
from homolog.pytorch.functionalise import functionalised

if TYPE_CHECKING:
    import torch

ROUNDS = 4
"""How often what came of an operator is taken apart itself."""


def decomposed(program: torch.export.ExportedProgram, written: Collection[str]) -> torch.export.ExportedProgram:
    """The program with nothing but operators that are written, as far as PyTorch can say the others in these.

    Where one is left that cannot be said so, the program is left as it was: what is refused is what the source says.

    Args:
        program: without changes in place.
        written: names of operators of ATen, without overload.
    """
    found = program
    for _ in range(ROUNDS):
        unknown = set(_unknown(found, written))
        if not unknown:
            break
        table = _made_of(unknown)
        if len(table) < len(unknown):
            return program
        found = functionalised(found, table)
    return program if any(_unknown(found, written)) else found


def _unknown(program: torch.export.ExportedProgram, written: Collection[str]) -> Iterator[Any]:
    """The operators that compute something that is written, and that nobody writes."""
    reached = depending(program)
    for entry in program.graph.nodes:
        schema = getattr(entry.target, "_schema", None)
        if entry.op != "call_function" or schema is None or entry not in reached or entry.meta.get("val") is None:
            continue
        space, _, name = schema.name.partition("::")
        known = plain(name) in written or name.startswith("sym_")
        if space == "prims" or (space == "aten" and not known):  # what PyTorch's own compiler works with
            yield entry.target


def _made_of(operators: Collection[Any]) -> dict[Any, Any]:
    """What PyTorch says of each of them, for those of which it does."""
    import torch
    from torch._decomp import decomposition_table

    own = torch.export.default_decompositions()
    found = {
        operator: own[operator] if operator in own else decomposition_table.get(operator) for operator in operators
    }
    return {operator: made for operator, made in found.items() if made is not None}
