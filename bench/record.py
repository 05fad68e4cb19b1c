"""What a process has measured so far, on disk, for whoever started it."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any


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
