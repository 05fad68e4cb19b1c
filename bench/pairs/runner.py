"""``python -m bench pairs [--only NAME,NAME]``: every pair in both directions, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bench.pairs import language, table, vision
from bench.pairs.pair import DIRECTIONS, Direction, Pair
from bench.pairs.verdict import verdict

PAIRS: tuple[Pair, ...] = (*vision.PAIRS, *language.PAIRS)
LIMIT_S = 300
ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results" / "pairs.json"
DOCS = ROOT / "docs" / "pairs.md"
PACKAGES = ("homolog", "torch", "torchvision", "timm", "transformers", "keras", "keras_hub", "weightbridge")


def main(arguments: list[str]) -> int:
    """Exit code 0 if every pair that was run is as it should be, 1 if not, 2 for a name that does not exist.

    A run of some pairs is printed alone; a run of all is written to bench/results/pairs.json and docs/pairs.md.
    """
    parser = ArgumentParser("python -m bench pairs", description="Copy real pairs of networks both ways.")
    parser.add_argument("--only", metavar="NAME,NAME", help=f"of {', '.join(pair.name for pair in PAIRS)}")
    wanted = parser.parse_args(arguments).only
    pairs = chosen(wanted)
    if pairs is None:
        print(f"no such pair in {wanted}; there are: {', '.join(pair.name for pair in PAIRS)}", file=sys.stderr)
        return 2
    records = []
    for pair in pairs:
        for direction in DIRECTIONS:
            records.append(measured(pair, direction))
            print(table.line(records[-1]), file=sys.stderr, flush=True)
    versions = {package: version(package) for package in PACKAGES}
    text = table.page(records, versions)
    print(text)
    if wanted is None:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        found = {"when": when, "versions": versions, "pairs": records}
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        DOCS.write_text(text + "\n", encoding="utf-8")
    return 0 if all(record["ok"] for record in records) else 1


def chosen(wanted: str | None) -> list[Pair] | None:
    """The pairs of these names, all if there are none; None if a name is unknown."""
    names = [] if wanted is None else [name.strip() for name in wanted.split(",")]
    if set(names) - {pair.name for pair in PAIRS}:
        return None
    return [pair for pair in PAIRS if not names or pair.name in names]


def measured(pair: Pair, direction: Direction) -> dict[str, Any]:
    """The record of one run, however it ended."""
    with TemporaryDirectory(prefix="homolog-pairs-") as folder:
        out = Path(folder) / "record.json"
        command = [sys.executable, "-m", "bench.pairs.child", pair.name, direction, str(out)]
        started = perf_counter()
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=ROOT, env=_environment()
            )
            ended = "" if done.returncode == 0 else f"exit code {done.returncode}: {_last(done.stderr)}"
        except subprocess.TimeoutExpired:
            ended = f"stopped after {LIMIT_S} s"
        facts = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {"stage": "import", "seconds": {}}
    record = {"pair": pair.name, "direction": direction, **facts, "ended": ended, "wall_s": perf_counter() - started}
    problem = verdict(pair, record)
    return {**record, "ok": not problem, "problem": problem}


def _environment() -> dict[str, str]:
    """The networks are random: nothing is fetched, nothing is said of it."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    return {**os.environ, **quiet}


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no word on stderr"])[-1]
