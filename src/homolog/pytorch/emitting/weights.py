"""The modules of a written network, and what of the source goes into each of their tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from homolog import rules
from homolog.emitting.assembled import Assembled, Held
from homolog.errors import Mismatch
from homolog.graph import Node, Weight
from homolog.matching.rows import Piece, assembled, pieces
from homolog.passes.simpler.tied import REVERSIBLE
from homolog.plan import FOLDED, Ignored, Plan
from homolog.rules.norm import COUNTER
from homolog.tensors import Array, TensorRef
from homolog.trace import Trace

EVIDENCE = "translation"
UNITS = ("simple_rnn", "lstm", "gru")
"""Kinds that PyTorch has as a stack of one layer, whose tensors' names say so."""
FIRST = "_l0"
TENSORS = ("nn.Parameter", "Buffer")


def plan(trace: Trace, model: Assembled, variables: Mapping[str, TensorRef], source: str, target: str) -> Plan:
    """What goes where, as it was written.

    Args:
        trace: of the source.
        model: as it was written, under the names of the live module.
        variables: of the live module that came of it, by name.
        source, target: names for people.

    Raises:
        Mismatch: the live module is not what was written.
    """
    rows = assembled(piece for held in model.held.values() if held.array is None for piece in _pieces(held, variables))
    constants = set(constants_of(model))
    known = {row.target for row in rows} | constants
    counters = [name for name in variables if name.endswith("num_batches_tracked") and name not in known]
    missing = [name for name in variables if name not in known and name not in counters]
    strange = sorted(known - set(variables))
    if missing or strange:
        raise Mismatch(
            "the module that was written has other tensors than were planned",
            details=[*(f"nothing for {name}" for name in missing), *(f"no tensor {name}" for name in strange)],
        )
    ignored = [Ignored("source", ref.name, reason) for ref, reason in trace.ignored.items()]
    ignored += [Ignored("target", name, FOLDED) for name in sorted(constants)]
    ignored += [Ignored("target", name, COUNTER) for name in counters]
    pairs = tuple((held.node.name, held.name) for held in model.held.values() if held.node.layer is not None)
    return Plan(tuple(rows), pairs, tuple(ignored), confidence=EVIDENCE, source=source, target=target)


def constants_of(model: Assembled) -> dict[str, Array]:
    """What the tensors that hold constants are filled with, by name."""
    return {held.name: held.array for held in model.held.values() if held.array is not None}


def _pieces(held: Held, variables: Mapping[str, TensorRef]) -> Iterator[Piece]:
    yield from pieces(held.node, _written(held, variables), EVIDENCE)


def _written(held: Held, variables: Mapping[str, TensorRef]) -> Node:
    """The module as a reader of the written network would see it."""
    if held.cls in TENSORS:
        return Node(held.name, held.node.kind, {}, {"value": Weight((variables[held.name],))})
    lead = f"{held.name}."
    own = {name.removeprefix(lead): ref for name, ref in variables.items() if name.rpartition(".")[0] == held.name}
    if held.node.kind in UNITS:
        own = {name.removesuffix(FIRST): ref for name, ref in own.items()}
    rule = rules.for_kind("embedding" if held.node.kind == REVERSIBLE else held.node.kind)
    if rule is None:
        raise Mismatch("a module was written that no rule knows", where=held.name, found=held.cls)
    counted = {name: ref for name, ref in own.items() if name not in rule.torch.buffers}
    return Node(held.name, held.node.kind, {}, rule.torch_weights(counted))
