"""``python -m bench scripts [NAME ...]``: each script of ``examples/scripts``, as it is and translated, by seeds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from bench.scripts_data import write_datasets
from homolog.scripts.translation import translate

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "scripts"
DOCS = ROOT / "docs" / "scripts.md"
SEEDS = (0, 1, 2)
EPOCHS = 5
LIMIT_S = 600.0
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
FLOOR = {"test accuracy": 0.01, "test loss": 0.02, "mean error": 0.01}
"""What two runs may differ by, however alike the seeds came out."""
_FIGURE = re.compile(r"^(test accuracy|test loss|mean error): (\S+)$", re.MULTILINE)
INTRODUCTION = """# Scripts

Keras training scripts (`examples/scripts`) and what `homolog translate-script` makes of them, both run over {seeds}
seeds, for {epochs} epochs at most, on small data: {data}. Mean of the seeds ± half of their range. Two are the same
if their means are no farther apart than the range of either, or than {floors}.

Printed by `python -m bench scripts`.
"""
DATA = "scikit-learn's digits for MNIST,\nthe same as lists of words for IMDB, and its patients for California's houses"


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
    def good(self) -> bool:
        """Whether both are the same within the spread of the seeds."""
        if self.failed or self.left or not self.keras or not self.torch:
            return False
        apart = abs(mean(self.keras) - mean(self.torch))
        return apart <= max(_spread(self.keras), _spread(self.torch), FLOOR[self.figure])

    def __str__(self) -> str:
        if self.failed:
            return f"| {self.script} | {self.failed} | | | no |"
        words = [f"{mean(values):.4f} ± {_spread(values) / 2:.4f}" for values in (self.keras, self.torch)]
        verdict = "yes" if self.good else f"no, {self.left} statements left" if self.left else "no"
        return f"| {self.script} | {self.figure} | {words[0]} | {words[1]} | {verdict} |"


def _spread(values: tuple[float, ...]) -> float:
    return max(values) - min(values)


def main(arguments: list[str]) -> int:
    """Exit code 0 if every script gives the same, 1 if not, 2 for a name that does not exist.

    A run of some scripts is printed alone; a run of all is written to docs/scripts.md.
    """
    parser = ArgumentParser("python -m bench scripts", description="Run scripts as they are and translated.")
    known = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"at most so many ({EPOCHS})")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help=f"how many ({len(SEEDS)})")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no such script: {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    floors = ", ".join(f"{value} in {name}" for name, value in FLOOR.items())
    lines = [INTRODUCTION.format(seeds=options.seeds, epochs=options.epochs, data=DATA, floors=floors)]
    lines += ["| script | figure | Keras | PyTorch | the same |", "|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    rows: list[Row] = []
    with TemporaryDirectory(prefix="homolog-scripts-") as folder:
        write_datasets(Path(folder))
        for name in options.names or known:
            for row in compared(EXAMPLES / f"{name}.py", Path(folder), range(options.seeds), options.epochs):
                rows.append(row)
                print(row, flush=True)
    if not options.names:
        DOCS.write_text("\n".join([*lines, *map(str, rows)]) + "\n", encoding="utf-8")
    return 0 if all(row.good for row in rows) else 1


def compared(script: Path, home: Path, seeds: range, epochs: int) -> list[Row]:
    """The figures of one script in both frameworks."""
    text = shortened(script.read_text(encoding="utf-8"), epochs)
    original, written = home / script.name, home / f"{script.stem}_torch.py"
    original.write_text(text, encoding="utf-8")
    translation = translate(original)
    written.write_text(translation.source, encoding="utf-8")
    found: dict[str, dict[str, list[float]]] = {"keras": {}, "torch": {}}
    for framework, file in (("keras", original), ("torch", written)):
        for seed in seeds:
            done = run(framework, seed, file, home)
            if done.returncode != 0:
                last = (done.stderr.strip() or "no word").splitlines()[-1]
                return [Row(script.stem, "", left=len(translation.left), failed=f"{framework}: {last}")]
            for figure, value in _FIGURE.findall(done.stdout):
                found[framework].setdefault(figure, []).append(float(value))
    return [
        Row(script.stem, figure, tuple(values), tuple(found["torch"].get(figure, ())), len(translation.left))
        for figure, values in found["keras"].items()
    ]


def shortened(text: str, epochs: int) -> str:
    """A script that trains for no more epochs than these."""
    return re.sub(r"\bepochs( ?= ?)(\d+)", lambda match: f"epochs{match[1]}{min(int(match[2]), epochs)}", text)


def run(framework: str, seed: int, file: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """A script in a process of its own, with the small data."""
    return subprocess.run(
        [sys.executable, "-m", "bench.scripts_run", framework, str(seed), str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        timeout=LIMIT_S,
        env={**os.environ, **QUIET, "KERAS_HOME": str(home), "PYTHONPATH": str(ROOT)},
    )
