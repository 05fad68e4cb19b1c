"""What was saved, without homolog and the source's framework: ``python -m bench.translations.fresh TO FOLDER``.

Loads what is in FOLDER/saved, runs it on the inputs of FOLDER/samples.npz, whose batch is not the traced one, and
compares; and runs the test that was written beside it. Writes FOLDER/fresh.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bench.record import Record
from bench.translations.direction import DIRECTIONS
from bench.translations.outputs import Samples
from bench.translations.written.importing import Without, imported


def run(target: Any, folder: Path, record: Record) -> None:
    """Everything that is recorded of what was saved."""
    saved = folder / "saved"
    target.check(saved, Samples.read(folder / "samples.npz"), record)
    with record.stage("test_parity.py"):
        imported(saved / "model.py")  # which the test imports by its name
        imported(saved / "test_parity.py").test_parity()
    record.note(stage="done", loaded=[name for name in target.ABSENT if name in sys.modules])


if __name__ == "__main__":
    to, place = sys.argv[1:]
    wing = DIRECTIONS[to].target()
    sys.meta_path.insert(0, Without(wing.ABSENT))
    run(wing, Path(place), Record(Path(place) / "fresh.json"))
