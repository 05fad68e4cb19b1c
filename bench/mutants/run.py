"""``python -m bench mutants [--only NAME,NAME] [--no-correct]``: every mutant, and correct conversions beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile

from bench.mutants import table
from bench.mutants.judge import Record

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results" / "mutants.json"
DOCS = ROOT / "docs" / "mutants.md"
JOBS = 2
SEEDS = {"tensorflow": range(4), "jax": range(4, 5), "torch": range(5, 7)}
"""The seeds of the correct conversions under each backend of Keras."""
PACKAGES = ("homolog", "torch", "keras", "tensorflow-cpu", "jax")
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}

Group = tuple[str, list[str]]
"""A backend of Keras, and the tasks of one process."""


def main(arguments: list[str]) -> int:
    """Exit code 0 if every figure is within its bound, 1 if not, 2 for a name that does not exist.

    A run of some mutants is printed alone; a run of all is written to bench/results/mutants.json and docs/mutants.md.
    """
    parser = ArgumentParser("python -m bench mutants", description="Seeded defects, and correct conversions.")
    parser.add_argument("--only", metavar="NAME,NAME", help="mutants, or what the names of mutants begin with")
    parser.add_argument("--no-correct", action="store_true", help="leave out the correct conversions")
    parser.add_argument("--no-mutants", action="store_true", help="leave out the mutants")
    options = parser.parse_args(arguments)
    groups = [] if options.no_mutants else list(mutant_groups(options.only))
    if not groups and not options.no_mutants:
        print(f"no mutant is called {options.only}", file=sys.stderr)
        return 2
    if options.only is None and not options.no_correct:
        groups += correct_groups()
    whole = options.only is None and not options.no_correct and not options.no_mutants
    with ThreadPoolExecutor(JOBS) as pool:
        records = [record for found in pool.map(lambda group: list(done(group)), groups) for record in found]
    mutants = [record for record in records if "defect" in record]
    correct = [record for record in records if "direction" in record]
    figures = [*table.mutant_figures(mutants), *table.correct_figures(correct)]
    versions = {package: version(package) for package in PACKAGES}
    text = table.page(mutants, correct, figures, versions)
    print(text)
    if whole:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        told = [figure.to_dict() for figure in figures]
        found = {"when": when, "versions": versions, "figures": told, "mutants": mutants, "correct": correct}
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        DOCS.write_text(text + "\n", encoding="utf-8")
    for figure in figures:
        print(f"{'ok' if figure.passed else 'FAILED':<8}{figure.name:<45}{figure.note}")
    return 0 if all(figure.passed for figure in figures) else 1


def mutant_groups(only: str | None) -> Iterator[Group]:
    """The mutants of each architecture, in a process of their own."""
    from bench.mutants.catalogue import ARCHITECTURES

    wanted = [""] if only is None else [name.strip() for name in only.split(",")]
    for architecture in ARCHITECTURES:
        names = [mutant.name for mutant in architecture.mutants if mutant.name.startswith(tuple(wanted))]
        if names:
            yield "tensorflow", [f"mutant {name}" for name in names]


def correct_groups() -> list[Group]:
    """Every architecture in every size and both directions, with the seeds of every backend."""
    from bench.mutants.catalogue import ARCHITECTURES

    return [
        (
            backend,
            [
                f"correct {architecture.name} {size} {seed} {direction}"
                for architecture in half
                for size in range(len(architecture.sizes))
                for seed in seeds
                for direction in ("to-keras", "to-torch")
            ],
        )
        for backend, seeds in SEEDS.items()
        for half in (ARCHITECTURES[::2], ARCHITECTURES[1::2])
    ]


def done(group: Group) -> Iterator[Record]:
    """The records of a group. A process that dies is started again behind the task that it died of."""
    backend, tasks = group
    waiting = list(tasks)
    while waiting:
        with TemporaryFile("w+", encoding="utf-8") as words:
            command = [sys.executable, "-m", "bench.mutants.child", *waiting]
            environment = {**os.environ, **QUIET, "KERAS_BACKEND": backend}
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=words, text=True, cwd=ROOT, env=environment
            ) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    if not line.startswith('{"task"'):
                        continue
                    record = json.loads(line)
                    waiting.remove(record["task"])
                    print(table.line(record), file=sys.stderr, flush=True)
                    yield record
            if waiting:
                words.seek(0)
                record = crashed(waiting.pop(0), backend, words.read().strip().splitlines())
                print(table.line(record), file=sys.stderr, flush=True)
                yield record


def crashed(task: str, backend: str, said: Sequence[str]) -> Record:
    """The record of a task that ended its process."""
    from bench.mutants.catalogue import CATALOGUE
    from bench.mutants.judge import Verdict, judged

    why = f"crashed: {said[-1] if said else 'no word on stderr'}"
    kind, name, *rest = task.split()
    if kind == "mutant":
        architecture, mutant = next(entry for entry in CATALOGUE if entry[1].name == name)
        record = judged(mutant, Verdict(False, refused=True, error=why))
        return {"task": task, **record, "architecture": architecture.name, "asked": "", "seconds": 0.0}
    size, seed, direction = rest
    place = {"architecture": name, "size": int(size), "seed": int(seed), "direction": direction, "backend": backend}
    return {"task": task, **place, "problem": why, "measured": {}, "seconds": 0.0}
