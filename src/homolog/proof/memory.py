"""Whether two networks fit into memory together, before they are run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import prod
from pathlib import Path

from homolog.errors import Unsupported
from homolog.network import Network
from homolog.tensors import TensorRef, dtype_of

MEMINFO = Path("/proc/meminfo")
WIDE = 8
"""Bytes of a number in float64."""


def require_room(first: Network, second: Network) -> None:
    """Refuse to run networks whose weights do not fit: the system would end the process without a word.

    Counted are the weights of each network that has yet to be built, and a copy of the larger one in float64, to
    which the outputs are compared. What a forward pass needs besides is not known before it is run.

    Raises:
        Unsupported: they need more than the system has left.
    """
    left = available()
    if left is None or not (first.has_model and second.has_model):
        return
    held = [first.tensors(), second.tensors()]
    weights = sum(
        _bytes(tensors.values()) for network, tensors in zip((first, second), held, strict=True) if not network.is_built
    )
    wide = max(sum(prod(ref.shape) for ref in tensors.values()) for tensors in held) * WIDE
    if weights + wide > left:
        raise Unsupported(
            "the two networks do not fit into memory together, so they cannot be run",
            where=f"{first.name} and {second.name}",
            expected=f"{_words(weights + wide)} of free memory: {_words(weights)} for the weights, "
            f"{_words(wide)} for a copy in float64",
            found=_words(left),
            help="free some memory, or compare the weights alone: --no-run (run=False)",
        )


def available() -> int | None:
    """Bytes that can be had without swapping, None where the system does not say."""
    try:
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            name, _, amount = line.partition(":")
            if name == "MemAvailable":
                return int(amount.split()[0]) * 1024
    except OSError:
        pass  # not Linux
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, macOS not these names
        return None


def _bytes(refs: Iterable[TensorRef]) -> int:
    return sum(prod(ref.shape) * dtype_of(ref.dtype).itemsize for ref in refs)


def _words(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
