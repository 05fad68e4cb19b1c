"""``python -m bench fuzz [FORMAT ...] [--count N] [--resume]``: files of every format, spoilt at random, and what came.

No mutant may be executed, crash or hang the process that reads it, or end in an error that is not one of homolog's.
Mutants are numbered and always the same: ``bench.fuzz_child.mutant(FORMAT, seed, NUMBER)`` makes one again. The figures
are kept in bench/results/fuzz.json as they come, those of a format until it is run again with at least as many mutants;
``--resume`` goes on behind the last one that counted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bench.fuzz_seeds import SEEDS

Figures = dict[str, Any]

RESULTS = Path(__file__).with_name("results") / "fuzz.json"
BATCH = 5000  # mutants in one process
BAD = ("executions", "crashes", "hangs", "untyped")
SECONDS = 3600  # that a batch may take before it counts as hung


def main(words: list[str]) -> int:
    """Exit code 0 if nothing was executed, nothing crashed or hung, and every error was one of homolog's."""
    parser = argparse.ArgumentParser(prog="python -m bench fuzz")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=", ".join(SEEDS))
    parser.add_argument("--count", type=int, default=20_000, help="mutants of each format")
    parser.add_argument("--resume", action="store_true", help="go on where an earlier run stopped")
    asked = parser.parse_args(words)
    unknown = [name for name in asked.formats if name not in SEEDS]
    if unknown:
        print(f"no such format: {', '.join(unknown)}; there are: {', '.join(SEEDS)}", file=sys.stderr)
        return 2
    fine = True
    for name in asked.formats or SEEDS:
        figures = known = kept().get(name, {}) if asked.resume else {}
        for figures in fuzz(name, asked.count, known):  # the last are those of all
            keep(name, figures)
        bad = sum(figures.get(key, 0) for key in BAD)
        fine = fine and not bad
        print(f"{'FAILED' if bad else 'ok':<8}{name:<16}{json.dumps(figures)}", flush=True)
    return 0 if fine else 1


def fuzz(name: str, count: int, known: Figures) -> Iterator[Figures]:
    """The figures of one format, so far, after each batch: those that are known, and what came since."""
    came = Counter({**known.get("outcomes", {}), **{word: known.get(word, 0) for word in BAD}})
    slowest, started = known.get("slowest_cpu_s", 0.0), perf_counter() - known.get("wall_s", 0.0)
    file, write = SEEDS[name]
    # A file system in memory, where there is one: a mutant is written and read once.
    with TemporaryDirectory(
        prefix="homolog-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    ) as folder:
        seed = Path(folder) / file
        write(seed)
        for first in range(known.get("mutants", 0), count, BATCH):
            part = batch(name, seed, first, min(BATCH, count - first))
            slowest = max(slowest, float(part.pop("slowest", 0)))
            came.update(part)
            yield {
                "mutants": min(first + BATCH, count),
                "executions": came["executions"] + came["canaries"],
                **{word: came[word] for word in BAD[1:]},
                "outcomes": {word: number for word, number in came.most_common() if word not in (*BAD, "canaries")},
                "slowest_cpu_s": round(slowest, 3),
                "wall_s": round(perf_counter() - started, 1),
                "when": datetime.now(UTC).isoformat(timespec="seconds"),
            }


def batch(name: str, seed: Path, first: int, count: int) -> dict[str, float]:
    """What came of one process."""
    command = [sys.executable, "-m", "bench.fuzz_child", name, str(seed), str(first), str(count)]
    here = str(Path(__file__).parent.parent)
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=seed.parent, env=settings, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"{name}: the batch from {first} on did not come to an end", file=sys.stderr)
        return {"hangs": 1}
    sys.stderr.write(done.stderr)
    if done.returncode != 0:
        from bench.fuzz_child import EXECUTED

        print(f"{name}: the batch from {first} on ended with {done.returncode}", file=sys.stderr)
        return {"executions" if done.returncode == EXECUTED else "crashes": 1}
    told = json.loads(done.stdout.splitlines()[-1])
    return {**told["came"], "slowest": told["slowest"]}


def kept() -> dict[str, Figures]:
    """The figures of every format that has been run."""
    found: dict[str, Figures] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return found


def keep(name: str, figures: Figures) -> None:
    """The figures beside those of the other formats; a short run does not take the place of a long one."""
    known = kept()
    if known.get(name, {}).get("mutants", 0) <= figures["mutants"]:
        known[name] = figures
    RESULTS.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
