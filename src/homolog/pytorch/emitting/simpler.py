"""The passes over a trace before it is written for PyTorch: the same function, said more simply."""

from __future__ import annotations

from homolog.passes.simpler import cells, constants, dense, idle, margins, masks, norms, repeats, rows, tied
from homolog.trace import Trace


def simpler(trace: Trace) -> Trace:
    """All that PyTorch has words for: it flattens behind a pooling as people do, and keeps what is pooled."""
    for run in (constants, idle, dense, rows, masks, norms, repeats, tied, margins, cells):
        trace = run(trace)
    return trace
