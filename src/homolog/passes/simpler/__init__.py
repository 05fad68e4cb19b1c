"""Passes over a trace before it is written: the same function, said more simply."""

from __future__ import annotations

from homolog.passes.simpler.bodies import bodies, cells
from homolog.passes.simpler.broadcasts import broadcasts
from homolog.passes.simpler.constants import constants
from homolog.passes.simpler.crops import crops
from homolog.passes.simpler.dense import dense
from homolog.passes.simpler.flattening import flattening
from homolog.passes.simpler.idle import idle
from homolog.passes.simpler.margins import margins
from homolog.passes.simpler.masks import masks
from homolog.passes.simpler.norms import norms
from homolog.passes.simpler.repeats import repeats
from homolog.passes.simpler.rows import rows
from homolog.passes.simpler.tied import tied
from homolog.trace import Trace

__all__ = [
    "bodies",
    "broadcasts",
    "cells",
    "constants",
    "crops",
    "dense",
    "flattening",
    "idle",
    "margins",
    "masks",
    "norms",
    "repeats",
    "rows",
    "simpler",
    "tied",
]


def simpler(trace: Trace) -> Trace:
    """All of them in their order."""
    for run in (
        constants,
        idle,
        broadcasts,
        dense,
        rows,
        masks,
        norms,
        repeats,
        tied,
        flattening,
        margins,
        crops,
        bodies,
    ):
        trace = run(trace)
    return trace
