"""``python -m bench zoo [NAME ...] [--to TO] [--tier TIER] [--resume] [--jobs N]``: models translated, each by its own
process.

A row is printed, and put into the direction's results and page, as soon as it is known: what other runs found of other
models stays.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from sysconfig import get_paths
from tempfile import TemporaryDirectory
from typing import Any

from bench.record import cause
from bench.translations import table
from bench.translations.catalogue import chosen
from bench.translations.direction import DIRECTIONS, ROOT, TO_KERAS, Direction
from bench.translations.judge import is_fine, judged
from bench.translations.model import Model
from bench.translations.words import WORDS

LIMIT_S = 600
JOBS = 2
Record = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Exit code 0 if every model that was run is as it should be, 1 if not, 2 for a name that does not exist."""
    parser = ArgumentParser("python -m bench zoo", description="Translate models of one framework into the other.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="models of any tier; all of one if there are none")
    parser.add_argument("--to", choices=DIRECTIONS, default=TO_KERAS.to, help="the framework to translate into")
    parser.add_argument("--tier", choices=("required", "others", "all"), default="required")
    parser.add_argument("--resume", action="store_true", help="leave out models whose row is as it should be already")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=JOBS, help="how many models at once")
    asked = parser.parse_args(arguments)
    direction = DIRECTIONS[asked.to]
    unknown = [name for name in asked.names if name not in direction.models]
    if unknown:
        print(f"no such model: {', '.join(unknown)}; there are: {', '.join(direction.models)}", file=sys.stderr)
        return 2
    known = read(direction.results)
    models = chosen(direction.models, asked.names, asked.tier)
    if asked.resume:
        models = [model for model in models if not known.get(model.name, {}).get("ok")]
    fine = True
    for record in measured(models, asked.jobs, partial(row, direction)):
        print(table.line(record), flush=True)
        fine = fine and record["ok"]
        known = merged(direction.models, known, record)
        write(direction, known)
    return 0 if fine else 1


def measured(models: Sequence[Model], jobs: int, row: Callable[[Model], Record]) -> Iterator[Record]:
    """The record of each model as it comes; the largest at the end, one at a time."""
    for together, count in (([m for m in models if not m.alone], jobs), ([m for m in models if m.alone], 1)):
        pool = ThreadPoolExecutor(count)
        try:
            for done in as_completed([pool.submit(row, model) for model in together]):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def row(direction: Direction, model: Model) -> Record:
    """The record of one model, however its processes ended."""
    with TemporaryDirectory(prefix="homolog-zoo-") as name:
        folder = Path(name)
        facts = _process("child", folder / "record.json", direction.to, model.name, name)
        if facts.get("saved"):
            facts["fresh"] = _process("fresh", folder / "fresh.json", direction.to, name)
            facts["accepts"] = {
                way: _process("accepted", folder / f"{way}.json", way, name) for way in direction.target().WAYS
            }
    identity = {"model": model.name, "group": model.group, "reduced": model.reduced, "takes": model.takes()}
    verdict, reason = judged(facts)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    ok = is_fine(verdict, model.refused)
    return {**identity, "verdict": verdict, "reason": reason, "ok": ok, "when": when, **facts}


def merged(models: Mapping[str, Model], known: Mapping[str, Record], record: Record) -> dict[str, Record]:
    """The rows of all runs, in the catalogue's order; those of models that it no longer has are dropped."""
    rows = {**known, record["model"]: record}
    return {name: rows[name] for name in models if name in rows}


def read(path: Path) -> dict[str, Record]:
    """The rows of earlier runs by model."""
    if not path.exists():
        return {}
    return {record["model"]: record for record in json.loads(path.read_text(encoding="utf-8"))["models"]}


def write(direction: Direction, rows: Mapping[str, Record]) -> None:
    """The direction's results and page; a run that is stopped meanwhile leaves the old file or the new one."""
    versions = {package: version(package) for package in direction.packages}
    found = {"versions": versions, "models": list(rows.values())}
    direction.results.parent.mkdir(exist_ok=True)
    for path, text in (
        (direction.results, json.dumps(found, indent=2, ensure_ascii=False)),
        (direction.docs, table.page(list(rows.values()), versions, WORDS[direction.to])),
    ):
        draft = path.with_name(f".{path.name}")
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)


def _process(module: str, out: Path, *arguments: str) -> Record:
    """What a process of this package has written, and how it ended."""
    command = [sys.executable, "-m", f"bench.translations.{module}", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=ROOT, env=_environment()
        )
        ended = (
            "" if done.returncode == 0 else f"exit code {done.returncode}: {cause(done.stderr) or 'no word on stderr'}"
        )
    except subprocess.TimeoutExpired:
        ended = f"stopped after {LIMIT_S} s"
    text = out.read_text(encoding="utf-8") if out.exists() else '{"stage": "start", "seconds": {}, "problem": ""}'
    return {**json.loads(without_places(text)), "ended": without_places(ended)}


def without_places(text: str) -> str:
    """Where files lie on this machine, left out: ``torchvision/models/resnet.py:285``."""
    for place in (get_paths()["purelib"], str(ROOT / "src"), str(ROOT)):
        text = text.replace(f"{place}/", "")
    return text


def _environment() -> dict[str, str]:
    """The networks are random: nothing is fetched, nothing is said of it. Each runs in one thread, for two that share
    two cores and take two each wait for one another."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    return {**os.environ, **threads, **quiet, "KERAS_BACKEND": "tensorflow"}
