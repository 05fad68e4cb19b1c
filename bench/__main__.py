"""``python -m bench [GROUP ...]``: runs the groups of benchmarks, prints a table, writes bench/results/GROUP.json.

``python -m bench pairs [--only NAME,NAME]`` runs the real pairs instead, which take a while and a zoo of their own;
``python -m bench mutants [--only NAME,NAME] [--no-correct]`` the seeded defects and the correct conversions,
``python -m bench scripts [NAME ...]`` runs scripts as they are and translated,
``python -m bench zoo [NAME ...] [--to TO] [--tier TIER] [--resume]`` translates the zoo, and
``python -m bench peers [NETWORK ...] [--to TO] [--tool NAME] [--limit S]`` some networks beside other tools.
``latency`` is a group that needs the zoo, too.
``python -m bench fuzz [FORMAT ...] [--count N]`` spoils files of every format and reads them.
A group is a module with a tuple ``BENCHMARKS`` of functions that take an empty folder and return a ``Figure``.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import files, latency, latency_torch, matching, startup, verify
from bench.figure import Broken, Figure

GROUPS: dict[str, tuple[Callable[[Path], Figure], ...]] = {
    "startup": startup.BENCHMARKS,
    "matching": matching.BENCHMARKS,
    "verify": verify.BENCHMARKS,
    "files": files.BENCHMARKS,
}
RESULTS = Path(__file__).with_name("results")


def main(names: list[str]) -> int:
    """Exit code 0 if every figure is within its bound, 1 if not, 2 for a group that does not exist."""
    if names[:1] == ["pairs"]:
        from bench.pairs import runner

        return runner.main(names[1:])
    if names[:1] == ["mutants"]:
        from bench.mutants import run

        return run.main(names[1:])
    if names[:1] == ["peers"]:
        from bench.peers import runner as peers

        return peers.main(names[1:])
    if names[:1] == ["fuzz"]:
        from bench import fuzz

        return fuzz.main(names[1:])
    if names[:1] == ["zoo"]:
        from bench.translations import runner as translations

        return translations.main(names[1:])
    if names[:1] == ["scripts"]:
        from bench import scripts

        return scripts.main(names[1:])
    # latency needs the zoo, and runs only where it is asked for
    groups = {**GROUPS, "latency": (*latency.BENCHMARKS, *latency_torch.BENCHMARKS)}
    unknown = [name for name in names if name not in groups]
    if unknown:
        print(f"no such group: {', '.join(unknown)}; there are: {', '.join(groups)}", file=sys.stderr)
        return 2
    fine = True
    for name in names or GROUPS:
        figures = [measure(benchmark) for benchmark in groups[name]]
        write(name, figures)
        fine = fine and all(figure.passed for figure in figures)
    return 0 if fine else 1


def measure(benchmark: Callable[[Path], Figure]) -> Figure:
    """One figure, printed as soon as it is known."""
    with TemporaryDirectory(prefix="homolog-bench-") as folder:
        try:
            figure = benchmark(Path(folder))
        except Broken as error:
            figure = Figure(benchmark.__name__, None, None, "", str(error))
    shown = "" if figure.figure is None else f"{figure.figure:.3g} {figure.unit}"
    limit = "" if figure.bound is None else f"at most {figure.bound:g}"
    verdict = "ok" if figure.passed else "FAILED"
    print(f"{verdict:<8}{figure.name:<45}{shown:<14}{limit:<14}{figure.note}", flush=True)
    return figure


def write(group: str, figures: list[Figure]) -> None:
    """The figures of a group as JSON, with what they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    record = {
        "group": group,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"platform": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()},
        "versions": {package: version(package) for package in ("homolog", "torch", "keras")},
        "figures": [figure.to_dict() for figure in figures],
    }
    (RESULTS / f"{group}.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
