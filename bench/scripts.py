"""``python -m bench scripts [NAME ...] [--resume]``: each script of ``examples/scripts``, as it is and translated, by
seeds.

A run is kept in ``bench/results/scripts.json`` as soon as it ends, and the page is written anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

from bench.record import cause
from bench.scripts_data import write_datasets
from homolog.keras.framework import require
from homolog.scripts.translation import translate

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "scripts"
DOCS = ROOT / "docs" / "scripts.md"
RESULTS = Path(__file__).with_name("results") / "scripts.json"
SEEDS = 5
EPOCHS = 5
LIMIT_S = 900.0
CHANCE = 0.01
"""Of two samples that are drawn alike, so many are told apart by it."""
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
FLOOR = {"test accuracy": 0.01, "test loss": 0.02, "mean error": 0.01}
"""Differences of the means that are too small to matter, however little the seeds spread."""
_FIGURE = re.compile(r"^(test accuracy|test loss|mean error): (\S+)$", re.MULTILINE)
INTRODUCTION = """# Scripts

Keras training scripts (`examples/scripts`) and what `homolog translate-script` makes of them, both trained from scratch
with {seeds} seeds, for {epochs} epochs at most, on small data: {data}. Mean of the seeds ± their standard deviation.

Two are the same if the seeds do not tell them apart: Welch's t-test finds a difference of the means as large as this
one in {chance:.0%} or more of such samples that are drawn alike. Differences below {floors} are too small to
matter and count as none.

Printed by `python -m bench scripts`.

| script | figure | Keras | PyTorch | p | the same |
|---|---|---|---|---|---|
"""
DATA = "scikit-learn's digits for MNIST,\nthe same as lists of words for IMDB, and its patients for California's houses"
Runs = dict[str, dict[str, Any]]
"""Of each script, by ``keras`` and ``torch``, the runs by seed, beside what was run."""


@dataclass(frozen=True)
class Row:
    """A figure of one script.

    Attributes:
        script: its name.
        figure: what is measured.
        keras, torch: of each seed.
        left: statements that were not translated.
        failed: the last line of an error, if a script did not run.
    """

    script: str
    figure: str
    keras: tuple[float, ...] = ()
    torch: tuple[float, ...] = ()
    left: int = 0
    failed: str = ""

    @property
    def p(self) -> float:
        """How often samples that are drawn alike differ as much as these."""
        from scipy.stats import ttest_ind

        return float(ttest_ind(self.keras, self.torch, equal_var=False).pvalue)

    @property
    def good(self) -> bool:
        """Whether the seeds do not tell the two apart."""
        if self.failed or self.left or min(len(self.keras), len(self.torch)) < 2:
            return False
        return abs(mean(self.keras) - mean(self.torch)) <= FLOOR[self.figure] or self.p >= CHANCE

    def __str__(self) -> str:
        if self.failed:
            return f"| {self.script} | {self.failed} | | | | no |"
        if min(len(self.keras), len(self.torch)) < 2:
            return f"| {self.script} | {self.figure} | {self.keras} | {self.torch} | | too few seeds |"
        words = [f"{mean(values):.4f} ± {stdev(values):.4f}" for values in (self.keras, self.torch)]
        verdict = "yes" if self.good else f"no, {self.left} statements left" if self.left else "no"
        return f"| {self.script} | {self.figure} | {words[0]} | {words[1]} | {self.p:.2f} | {verdict} |"


def main(arguments: list[str]) -> int:
    """Exit code 0 if every script gives the same, 1 if not, 2 for a name that does not exist."""
    parser = ArgumentParser("python -m bench scripts", description="Run scripts as they are and translated.")
    known = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"at most so many ({EPOCHS})")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many ({SEEDS})")
    parser.add_argument("--resume", action="store_true", help="leave out what ran before and has not changed since")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no such script: {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    found: Runs = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    with TemporaryDirectory(prefix="homolog-scripts-") as folder:
        write_datasets(Path(folder))
        for name in options.names or known:
            before = found.get(name, {}) if options.resume else {}
            found[name] = measured(EXAMPLES / f"{name}.py", Path(folder), options.seeds, options.epochs, before)
            print("\n".join(map(str, rows(name, found[name]))), flush=True)
            found = {name: found[name] for name in known if name in found}
            RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            DOCS.write_text(page(found, options.seeds, options.epochs), encoding="utf-8")
    return 0 if all(row.good for name in options.names or known for row in rows(name, found[name])) else 1


def page(found: Runs, seeds: int, epochs: int) -> str:
    """The table of all that was run so far."""
    floors = ", ".join(f"{value} in {name}" for name, value in FLOOR.items())
    head = INTRODUCTION.format(seeds=seeds, epochs=epochs, data=DATA, floors=floors, chance=CHANCE)
    return head + "".join(f"{row}\n" for name, runs in found.items() for row in rows(name, runs))


def rows(name: str, runs: dict[str, Any]) -> list[Row]:
    """The figures of one script in both frameworks."""
    failed = [f"{framework}: {run['failed']}" for framework, run in _each(runs) if "failed" in run]
    if failed:
        return [Row(name, "", left=runs["left"], failed=failed[0])]
    values: dict[str, dict[str, list[float]]] = {}
    for framework, run in _each(runs):
        for figure, value in run.items():
            values.setdefault(figure, {"keras": [], "torch": []})[framework].append(value)
    return [Row(name, figure, tuple(v["keras"]), tuple(v["torch"]), runs["left"]) for figure, v in values.items()]


def _each(runs: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(framework, run) for framework in ("keras", "torch") for run in runs[framework]["seeds"].values()]


def measured(script: Path, home: Path, seeds: int, epochs: int, before: dict[str, Any]) -> dict[str, Any]:
    """The runs of one script in both frameworks; those of ``before`` are kept if the same was run."""
    original, written = home / script.name, home / f"{script.stem}_torch.py"
    original.write_text(shortened(script.read_text(encoding="utf-8"), epochs), encoding="utf-8")
    require().utils.clear_session()  # layers are numbered from the start, so that the same is written again
    translation = translate(original)
    written.write_text(translation.source, encoding="utf-8")
    found: dict[str, Any] = {"left": len(translation.left)}
    for framework, file in (("keras", original), ("torch", written)):
        digest = sha256(file.read_bytes()).hexdigest()[:16]
        known = before.get(framework, {})
        runs = known["seeds"] if known.get("script") == digest else {}
        for seed in range(seeds):
            if "failed" in runs.get(str(seed), {"failed": "not run yet"}):
                runs[str(seed)] = run(framework, seed, file, home)
        found[framework] = {"script": digest, "seeds": {str(seed): runs[str(seed)] for seed in range(seeds)}}
    return found


def shortened(text: str, epochs: int) -> str:
    """A script that trains for no more epochs than these."""
    return re.sub(r"\bepochs( ?= ?)(\d+)", lambda match: f"epochs{match[1]}{min(int(match[2]), epochs)}", text)


def run(framework: str, seed: int, file: Path, home: Path) -> dict[str, Any]:
    """The figures that a script prints, run in a process of its own with the small data; or why there are none."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench.scripts_run", framework, str(seed), str(file)],
            capture_output=True,
            text=True,
            check=False,
            cwd=home,
            timeout=LIMIT_S,
            env={**os.environ, **QUIET, "KERAS_HOME": str(home), "PYTHONPATH": str(ROOT)},
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"more than {LIMIT_S:.0f} s"}
    if done.returncode != 0:
        return {"failed": cause(done.stderr) or "no word"}
    return {figure: float(value) for figure, value in _FIGURE.findall(done.stdout)}
