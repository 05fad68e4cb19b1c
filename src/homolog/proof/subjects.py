"""What a proof is about, and how far apart two results may lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from homolog.graph import Graph
from homolog.live import Live
from homolog.plan import Plan
from homolog.signature import Given
from homolog.tensors import Array, dtype_of

COARSE = 8


@dataclass(frozen=True)
class Tolerance:
    """How far outputs may lie apart.

    ``atol + rtol x (largest magnitude of the reference output)``: correct copies differ by the order of summation
    alone, a few units in the last place times the square root of the longest sum.

    Attributes:
        atol, rtol: the two parts; the defaults are for float32.
        resolution: the element type they are for, for people.
        rounding: whether outputs may lie further apart where float64 shows that both sides merely round. Not where
            the user insists on a tolerance.
    """

    atol: float = 1e-6
    rtol: float = 1e-5
    resolution: str = "float32"
    rounding: bool = False

    @classmethod
    def for_dtypes(cls, dtypes: Iterable[str]) -> Tolerance:
        """The default for the coarsest of these element types, float32 or coarser.

        Numbers of the coarser types are summed in float32, so that only the rounding of weights and of each layer's
        output counts: ``COARSE`` units in the last place.
        """
        kinds = [dtype_of(name) for name in {*dtypes, "float32"}]
        spacing = {kind.name: _spacing(kind) for kind in kinds if kind.kind in "fV"}
        coarsest = max(spacing, key=lambda name: spacing[name])
        if coarsest == "float32":
            return cls(rounding=True)
        return cls(COARSE * spacing[coarsest], COARSE * spacing[coarsest], coarsest, rounding=True)


@dataclass(frozen=True)
class Subjects:
    """Two live networks, their graphs, and the plan that says what corresponds.

    Attributes:
        a, b: the networks.
        graph_a, graph_b: their graphs.
        plan: in the live networks' names of tensors.
        names: the first live network's name of a tensor, where its graph has another.
        given: inputs of the first network that the user brought, to be used in place of random ones.
        odd: draw other, odd lengths where both networks leave them open.
        scale: of random real numbers: smaller ones, where larger saturate the outputs.
        rounded: whether one of them was found to round a number to float32 also where it is run in float64.
        fixed: places of the first's outputs in which, as its source says, nothing of the inputs is but their shapes.
    """

    a: Live
    b: Live
    graph_a: Graph
    graph_b: Graph
    plan: Plan
    names: Mapping[str, str] = field(default_factory=dict)
    given: Given | None = None
    odd: bool = False
    scale: float = 1.0
    rounded: bool = False
    fixed: frozenset[int] = frozenset()


def _spacing(kind: np.dtype[np.generic]) -> float:
    """From 1 to the next number."""
    one = np.ones((), kind)
    return float(np.nextafter(one, np.full((), 2, kind)).astype(np.float64) - 1)


def distance(one: Array, two: Array) -> float:
    """Largest absolute difference, in float64."""
    if one.size == 0:
        return 0.0
    return float(np.abs(one.astype(np.float64) - two.astype(np.float64)).max())


def limit(reference: Array, tolerance: Tolerance) -> float:
    """How far another array may lie from this one."""
    largest = float(np.abs(reference.astype(np.float64)).max()) if reference.size else 0.0
    return tolerance.atol + tolerance.rtol * largest


def share(apart: float, allowed: float) -> float:
    """How much of what is allowed a distance takes up."""
    if allowed > 0:
        return apart / allowed
    return float("inf") if apart > 0 else 0.0
