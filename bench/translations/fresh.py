"""What was saved, without homolog and the source's framework: ``python -m bench.translations.fresh TO FOLDER``.

Runs the test that was written into FOLDER/saved, loads what is beside it, runs it on the inputs of FOLDER/samples.npz,
whose batch is not the traced one, and compares. Writes FOLDER/fresh.json. With a third argument the test alone.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.record import Record
from bench.translations.direction import DIRECTIONS
from bench.translations.outputs import Samples
from bench.translations.written.importing import Without, imported


def run(to: str, target: Any, folder: Path, record: Record) -> None:
    """Everything that is recorded of what was saved.

    The test has a process of its own, as its user gives it, and before this one takes memory: a video network at a
    batch of two takes two thirds of what there is.
    """
    saved = folder / "saved"
    with record.stage("test_parity.py"):
        done = subprocess.run([sys.executable, "-m", "bench.translations.fresh", to, str(folder), "test"], check=False)
        if done.returncode:
            sys.exit(1)  # it said why
    target.check(saved, Samples.read(folder / "samples.npz"), record)
    record.note(stage="done", loaded=[name for name in target.ABSENT if name in sys.modules])


def test(saved: Path) -> None:
    """The test alone."""
    imported(saved / "model.py")  # which it imports by its name
    imported(saved / "test_parity.py").test_parity()


if __name__ == "__main__":
    to, place, *alone = sys.argv[1:]
    wing = DIRECTIONS[to].target()
    sys.meta_path.insert(0, Without(wing.ABSENT))
    if alone:
        test(Path(place) / "saved")
    else:
        run(to, wing, Path(place), Record(Path(place) / "fresh.json"))
