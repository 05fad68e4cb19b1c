"""What a process has measured so far, on disk, for whoever started it; and why it died."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

SHOWN = 200
"""Characters of an error that are kept."""


class Record:
    """What is known so far, on disk."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.facts: dict[str, Any] = {"seconds": {}}

    def note(self, **facts: Any) -> None:
        """Add facts, and the memory used up to here."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.facts.update(facts, peak_mib=peak)
        self.out.write_text(json.dumps(self.facts), encoding="utf-8")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; while it runs, it is the one that a stopped process was in."""
        self.note(stage=name)
        started = perf_counter()
        try:
            yield
        finally:
            self.facts["seconds"][name] = perf_counter() - started
            self.note()


def cause(stderr: str) -> str:
    """The line of an error: the first below the frames of the last traceback, or the last one without a traceback."""
    _, frame, below = stderr.rpartition('\n  File "')
    lines = [line for line in below.splitlines() if line.strip()]
    if frame:
        lines = [line for line in lines[1:] if not line.startswith(" ")][:1]
    return lines[-1].strip()[:SHOWN] if lines else ""
