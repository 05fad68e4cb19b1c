"""One pair in one direction, in a process of its own: ``python -m bench.pairs.child NAME DIRECTION OUT``.

Writes what it measured to the file OUT after every stage, so that a run that is stopped has told how far it came.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.pairs import language, vision
from bench.pairs.pair import Direction, Pair
from bench.pairs.peer import by_weightbridge
from bench.pairs.perturb import as_taken, channels_last, perturb_keras, perturb_torch
from bench.record import Record
from bench.zoo import declare_boxes

PAIRS: dict[str, Pair] = {pair.name: pair for pair in (*vision.PAIRS, *language.PAIRS)}
SHOWN = 12
"""How many differences, or lines of an error, are kept."""

Array = np.ndarray[Any, Any]


def run(pair: Pair, direction: Direction, record: Record) -> None:
    """Everything that is recorded of one pair in one direction."""
    import homolog
    from homolog.errors import HomologError

    with record.stage("building"):
        module, model = _built(pair)
    source, target = (module, model) if direction == "to-keras" else (model, module)
    inputs = [entry.array() for entry in pair.inputs]
    if direction == "to-torch":
        inputs = [channels_last(array) for array in inputs]
    before = (_arrays(module), _arrays(model))
    copied: homolog.api.Copy | None = None
    try:
        copied = _copied(source, target, inputs, record)
    except HomologError as error:
        told = {**error.to_dict(), "details": [*error.details[:SHOWN]], "lines": len(error.details)}
        record.note(error={**told, "stage": record.facts["stage"]})
    if copied is not None:
        proof = copied.proof
        if proof.differences:  # then copy itself compares no outputs; here they show whether what is named is seen
            with record.stage("verifying"):
                proof = homolog.verify(source, target, inputs or None)
        record.note(stage="proved", **_verdict(proof))
        if pair.oracle is not None:
            with record.stage("oracle"), TemporaryDirectory() as folder:
                record.note(oracle=_agree(pair.oracle(module, Path(folder)), model))
    after = _arrays(model if direction == "to-keras" else module)
    theirs = before if direction == "to-keras" else before[::-1]
    record.note(weightbridge=by_weightbridge(*theirs, direction, after if copied is not None else None))
    record.note(stage="done")


def _built(pair: Pair) -> tuple[Any, Any]:
    """Both networks, with other random values each."""
    import torch

    import keras

    declare_boxes()
    torch.manual_seed(1)
    keras.utils.set_random_seed(2)
    module, model = pair.torch(), pair.keras()
    inputs = [entry.array(seed=3) for entry in pair.inputs]
    perturb_torch(module, inputs, seed=4, gain=pair.gain)
    perturb_keras(model, as_taken([channels_last(array) for array in inputs]), seed=5, gain=pair.gain)
    return module, model


def _copied(source: object, target: object, inputs: Sequence[Array], record: Record) -> Any:
    """Copy, as a user does, after each step alone for its time."""
    import homolog
    from homolog.matching import match
    from homolog.reading import read_both
    from homolog.transfer import transfer

    first, second = homolog.load(source), homolog.load(target)
    with record.stage("reading"):
        left, right = read_both(first, second, inputs or None)
    _note_graphs(record, left, right)
    with record.stage("matching"):
        plan = match(left, right)
    record.note(tensors=_coverage(plan, first, second), evidence=Counter(row.evidence for row in plan.rows))
    record.note(notes=len(plan.notes), confidence=plan.confidence)
    record.note(differences=[str(item) for item in plan.differences], settings=_settings(plan))
    with record.stage("transfer"):
        for _ in transfer(plan, first.tensors()):
            pass
    with record.stage("copy and proof"):
        return homolog.copy(source, target, inputs=inputs or None, allow_differences=True)


def _note_graphs(record: Record, left: Any, right: Any) -> None:
    """What was read, and what of it no rule knows."""
    graphs = {"source": left, "target": right}
    record.note(
        nodes={side: len(graph.nodes) for side, graph in graphs.items()},
        layers={side: len(graph.layers) for side, graph in graphs.items()},
        unknown={side: _unknown(graph) for side, graph in graphs.items()},
    )


def _unknown(graph: Any) -> dict[str, int]:
    return {kind: count for kind, count in graph.kinds().items() if ":" in kind}


def _coverage(plan: Any, first: Any, second: Any) -> dict[str, list[int]]:
    """For either side: tensors in a row or ignored with a reason, and tensors in all."""
    used = {"source": {name for row in plan.rows for name in row.sources}, "target": {row.target for row in plan.rows}}
    for item in plan.ignored:
        used[item.side].add(item.name)
    held = {"source": set(first.tensors()), "target": set(second.tensors())}
    return {side: [len(used[side] & held[side]), len(held[side])] for side in held}


def _settings(plan: Any) -> dict[str, int]:
    return Counter(item.setting for item in plan.differences)


def _verdict(proof: Any) -> dict[str, Any]:
    """What running both shows, beside the settings that are named anyway."""
    parts = [part for part in proof.parts if part.name != "settings"]
    return {
        "passed": all(part.passed for part in parts),
        "proof": [
            {"name": part.name, "passed": part.passed, "figure": part.figure, "details": list(part.details[:SHOWN])}
            for part in parts
        ],
    }


def _arrays(model: Any) -> dict[str, Array]:
    """Every weight by name, those that only count left out."""
    if hasattr(model, "state_dict"):
        return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items() if tensor.ndim}
    import keras

    return {
        variable.path: np.array(keras.ops.convert_to_numpy(variable))
        for variable in model.variables
        if "seed_generator" not in variable.path
    }


def _agree(theirs: dict[str, Array], model: Any) -> str:
    """How many of the oracle's weights the Keras side holds bit for bit."""
    backbone = getattr(model, "backbone", model)
    held = [array for path, array in _arrays(backbone).items()]
    given = [array for path, array in theirs.items() if "seed_generator" not in path]
    if [array.shape for array in held] != [array.shape for array in given]:
        return f"{len(given)} weights of other shapes"
    equal = sum(one.tobytes() == two.tobytes() for one, two in zip(held, given, strict=True))
    return f"{equal} of {len(given)}"


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    name, direction, out = sys.argv[1:]
    run(PAIRS[name], direction, Record(Path(out)))  # type: ignore[arg-type]
