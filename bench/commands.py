"""Running and timing commands in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.figure import Broken, Figure

Command = list[str]

HOMOLOG = str(Path(sys.executable).with_name("homolog"))
"""The script beside this Python: what a user runs."""

AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""The environment of a command that is timed: Python keeps what it has compiled, as where it is installed."""


def run(command: Command) -> str:
    """What the command writes to stderr; raises ``Broken`` if it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, env=AS_INSTALLED
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or "no word on stderr").splitlines()[-1]
        raise Broken(f"{' '.join(command)}: exit code {done.returncode}: {last}")
    return done.stderr


def ratio(name: str, command: Command, *, to: Command, bound: float, rounds: int) -> Figure:
    """How many times as long ``command`` takes as ``to``: the ratio of their medians.

    They are run in turns, so that a busy machine slows both, and once each beforehand, so that both find their files
    in the page cache.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        for times, each in zip(seconds, (command, to), strict=True):
            started = perf_counter()
            run(each)
            if turn > 0:
                times.append(perf_counter() - started)
    ours, theirs = map(median, seconds)
    return Figure(name, ours / theirs, bound, "×", f"{ours:.3f} s to {theirs:.3f} s, medians of {rounds}")
