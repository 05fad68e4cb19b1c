"""The layers of a written model, and what of the source goes into each of their variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from homolog import rules
from homolog.emitting.assembled import Assembled, Held
from homolog.errors import Mismatch
from homolog.graph import Node, Weight
from homolog.matching.rows import Piece, assembled, pieces
from homolog.plan import FOLDED, Ignored, Plan, Row
from homolog.tensors import Array, TensorRef
from homolog.trace import Trace

EVIDENCE = "translation"


def plan(trace: Trace, model: Assembled, variables: Mapping[str, TensorRef], source: str, target: str) -> Plan:
    """What goes where, as it was written.

    Args:
        trace: of the source.
        model: as it was written.
        variables: of the live model that came of it, by name.
        source, target: names for people.

    Raises:
        Mismatch: the live model is not what was written.
    """
    found = [piece for held in model.held.values() if held.array is None for piece in _pieces(held, variables)]
    rows = assembled(found)
    constants = set(constants_of(model))
    _refuse_uncovered(rows, constants, variables)
    ignored = [Ignored("source", ref.name, reason) for ref, reason in trace.ignored.items()]
    ignored += [Ignored("target", name, FOLDED) for name in sorted(constants)]
    ignored += [Ignored("target", name, SEED) for name in variables if _is_seed(name)]
    pairs = tuple((held.node.name, held.name) for held in model.held.values() if held.node.layer is not None)
    return Plan(tuple(rows), pairs, tuple(ignored), confidence=EVIDENCE, source=source, target=target)


SEED = "draws random numbers in training"


def _is_seed(name: str) -> bool:
    return "seed_generator" in name


def constants_of(model: Assembled) -> dict[str, Array]:
    """What the layers that hold constants are filled with, by the name of the variable."""
    return {f"{held.name}/value": held.array for held in model.held.values() if held.array is not None}


def _refuse_uncovered(rows: list[Row], constants: set[str], variables: Mapping[str, TensorRef]) -> None:
    known = {row.target for row in rows} | constants
    missing = [name for name in variables if name not in known and not _is_seed(name)]
    strange = sorted(known - set(variables))
    if missing or strange:
        raise Mismatch(
            "the model that was written has other variables than were planned",
            details=[*(f"nothing for {name}" for name in missing), *(f"no variable {name}" for name in strange)],
        )


def _pieces(held: Held, variables: Mapping[str, TensorRef]) -> Iterator[Piece]:
    yield from pieces(held.node, _written(held, variables), EVIDENCE)


def _written(held: Held, variables: Mapping[str, TensorRef]) -> Node:
    """The layer as a reader of the written model would see it."""
    if held.cls == "Parameter":
        ref = variables[f"{held.name}/value"]
        return Node(held.name, held.node.kind, {}, {"value": Weight((ref,))})
    rule = rules.for_keras_layer(held.cls.removeprefix("layers."))
    if rule is None:
        raise Mismatch("a layer was written that no rule knows", where=held.name, found=held.cls)
    weights = {}
    for slot in rule.slots:
        found = _variable(held, slot.keras, variables)
        if found is not None and slot.name in held.node.weights:
            weights[slot.name] = Weight((found,), slot.from_keras(found.shape), slot.trainable)
    return Node(held.name, held.node.kind, {}, weights)


def _variable(held: Held, name: str, variables: Mapping[str, TensorRef]) -> TensorRef | None:
    """A variable of a layer by its name; that of a recurrent layer stands in its cell."""
    if f"{held.name}/{name}" in variables:
        return variables[f"{held.name}/{name}"]
    paths = {key: key.split("/") for key in variables}
    return next((variables[key] for key, path in paths.items() if path[0] == held.name and path[2:] == [name]), None)
