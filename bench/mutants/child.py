"""Some tasks one after the other, in a process of its own: ``python -m bench.mutants.child TASK …``.

A task is ``mutant NAME`` or ``correct ARCHITECTURE SIZE SEED DIRECTION``. Each gives one line of JSON on stdout, so
that whoever started the process knows how far it came.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from time import perf_counter

import homolog
import keras
from bench.mutants.catalogue import ARCHITECTURES, CATALOGUE
from bench.mutants.judge import Record, Verdict, judged
from bench.mutants.mutant import Architecture
from bench.mutants.networks import Pair, fresh, mutated
from homolog.errors import HomologError, Mismatch
from homolog.proof import Part

SEED = 0
_CORRECT: dict[str, Pair] = {}


MEASURES = {
    "outputs": "share_of_tolerance",
    "perturbed statistics": "share_of_tolerance",
    "float64": "relative",
    "float32": "ratio",
}
"""What is kept of the parts of a correct conversion's proof."""


def correct_pair(architecture: Architecture) -> Pair:
    """The pair that defects are put into, copied once by homolog, with the proof that it is the same network."""
    if architecture.name not in _CORRECT:
        pair = fresh(architecture, SEED, architecture.sizes[0])
        homolog.copy(pair.torch, into=pair.keras).proof.raise_if_failed()
        _CORRECT[architecture.name] = pair
    return _CORRECT[architecture.name]


def mutant_record(name: str) -> Record:
    """One mutant, asked about; every second one the other way around."""
    place, (architecture, mutant) = next(
        (place, entry) for place, entry in enumerate(CATALOGUE) if entry[1].name == name
    )
    pair = mutated(architecture, mutant, correct_pair(architecture))
    order = (pair.keras, pair.torch) if place % 2 else (pair.torch, pair.keras)
    started = perf_counter()
    try:
        proof = homolog.verify(*order, steps=mutant.steps) if mutant.steps else homolog.verify(*order)
    except HomologError as error:
        verdict = Verdict(False, refused=not isinstance(error, Mismatch), error=str(error))
    else:
        causes = [cause.to_dict() for cause in proof.causes]
        failed = [f"{part.name}: {part.figure}" for part in proof.parts if not part.passed]
        verdict = Verdict(proof.passed, causes=causes, failed=failed)
    seconds = perf_counter() - started
    asked = "keras, torch" if place % 2 else "torch, keras"
    return {**judged(mutant, verdict), "architecture": architecture.name, "asked": asked, "seconds": seconds}


def correct_record(name: str, size: int, seed: int, direction: str) -> Record:
    """One correct conversion, proven by ``copy`` and then by ``verify``; odd seeds ask the other way around."""
    architecture = next(item for item in ARCHITECTURES if item.name == name)
    pair = fresh(architecture, seed, architecture.sizes[size])
    source, target = (pair.torch, pair.keras) if direction == "to-keras" else (pair.keras, pair.torch)
    started = perf_counter()
    measured: dict[str, float] = {}
    try:
        copied = homolog.copy(source, into=target).proof
        proof = homolog.verify(*((target, source) if seed % 2 else (source, target)), layers=True)
    except HomologError as error:
        problem = str(error)
    else:
        measured = _measured((*copied.parts, *proof.parts))
        failed = [part for each in (copied, proof) for part in each.parts if not part.passed]
        problem = "; ".join(f"{part.name}: {part.figure}" for part in failed)
    return {
        "architecture": name,
        "size": size,
        "seed": seed,
        "direction": direction,
        "backend": keras.backend.backend(),
        "problem": problem,
        "measured": measured,
        "seconds": perf_counter() - started,
    }


def _measured(parts: Sequence[Part]) -> dict[str, float]:
    """The largest of what each part measured, by its name."""
    found: dict[str, float] = {}
    for part in parts:
        figure = part.figures.get(MEASURES.get(part.name, ""))
        if isinstance(figure, int | float):
            found[part.name] = max(found.get(part.name, 0.0), float(figure))
    return found


def main(tasks: list[str]) -> None:
    for task in tasks:
        kind, name, *rest = task.split()
        if kind == "mutant":
            record = mutant_record(name)
        else:
            size, seed, direction = rest
            record = correct_record(name, int(size), int(seed), direction)
        print(json.dumps({"task": task, **record}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
