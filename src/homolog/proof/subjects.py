"""What a proof is about, and how far apart two float32 results may lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homolog.graph import Graph
from homolog.live import Live
from homolog.plan import Plan
from homolog.tensors import Array


@dataclass(frozen=True)
class Tolerance:
    """How far float32 outputs may lie apart.

    ``atol + rtol x (largest magnitude of the reference output)``: correct copies differ by the order of summation
    alone, a few units in the last place times the square root of the longest sum.
    """

    atol: float = 1e-6
    rtol: float = 1e-5


@dataclass(frozen=True)
class Subjects:
    """Two live networks, their graphs, and the plan that says what corresponds."""

    a: Live
    b: Live
    graph_a: Graph
    graph_b: Graph
    plan: Plan


def distance(one: Array, two: Array) -> float:
    """Largest absolute difference, in float64."""
    if one.size == 0:
        return 0.0
    return float(np.abs(one.astype(np.float64) - two.astype(np.float64)).max())


def limit(reference: Array, tolerance: Tolerance) -> float:
    """How far another array may lie from this one."""
    largest = float(np.abs(reference.astype(np.float64)).max()) if reference.size else 0.0
    return tolerance.atol + tolerance.rtol * largest
