"""How much memory a stretch of the process takes, from the system's own high-water mark (Linux)."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def settled() -> int:
    """Bytes held once all that is free is given back; the high-water mark starts from here.

    Without that the heap that an earlier forward pass left would hide what comes.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    RESET.write_text("5", encoding="ascii")
    return _field("VmRSS")


def peak() -> int:
    """The most bytes held since."""
    return _field("VmHWM")


def _field(name: str) -> int:
    for line in STATUS.read_text(encoding="ascii").splitlines():
        key, _, amount = line.partition(":")
        if key == name:
            return int(amount.split()[0]) * 1024
    raise OSError(f"{STATUS} has no {name}")
