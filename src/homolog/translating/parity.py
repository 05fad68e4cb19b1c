"""What the written test compares, and how closely.

In float32, if that tells the network from another: both sides stray from the exact result, and a network that magnifies
rounding strays further than a wrong layer would lead it. Then the test runs in float64, in which two implementations of
one function agree to the last places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from homolog.emitting.graphs import graphs
from homolog.live import Run
from homolog.proof.precision import MOST_APART, MOST_ROUNDING
from homolog.proof.samples import Samples, samples
from homolog.proof.subjects import Tolerance, distance
from homolog.tensors import Array

if TYPE_CHECKING:
    from homolog.translating.translation import Translation

ROWS = 2
ROUNDING = 8
"""How many times the tolerance of outputs the written test allows: it runs on whatever machine, with other kernels."""
SHARE = 0.5
"""Of what it allows: what is further apart here may be too far apart there."""


@dataclass(frozen=True)
class Parity:
    """One comparison.

    Attributes:
        inputs, outputs: by the names that they are stored by, in the written model's order of axes.
        atol, rtol: how far outputs may lie apart.
        wide: whether the written model is to run in float64.
    """

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    atol: float
    rtol: float
    wide: bool = False

    @property
    def arrays(self) -> dict[str, Any]:
        """What is stored."""
        return {**self.inputs, **self.outputs}


def comparison(translation: Translation) -> Parity:
    """The one that the written test makes.

    Where float32 falls apart and the written model does not run in float64, or holds numbers that are rounded, the
    bound is the proof's: a multiple of how far the source itself is from exact.
    """
    made = translation.draft
    drawn = samples(*graphs(made.trace, made.assembled), batch=ROWS, seed=0)
    tolerance = Tolerance.for_dtypes(ref.dtype for ref in translation.origin.tensors().values())
    theirs = _turned(translation, translation.origin.live.run(drawn.first))
    inputs = {f"input_{place:02}": array for place, array in enumerate(drawn.second.values())}
    plain = Parity(inputs, _named(theirs), ROUNDING * tolerance.atol, ROUNDING * tolerance.rtol)
    if _agree(theirs, translation.target.live.run(drawn.second).outputs, SHARE * plain.atol, SHARE * plain.rtol):
        return plain
    return _beyond_float32(translation, drawn, theirs, plain)


def _beyond_float32(translation: Translation, drawn: Samples, theirs: Sequence[Array], plain: Parity) -> Parity:
    run = translation.origin.live.as_trained().exact(drawn.first)
    if run is None:
        return plain
    exact = _turned(translation, run)
    bound = MOST_APART * max(float(np.abs(array).max(initial=0)) for array in exact)
    ours = translation.way.in_float64(translation.source, translation.target.live.model, _widened(drawn.second))
    if ours is not None and _agree(exact, ours.outputs, bound, 0.0):
        return Parity(_widened(plain.inputs), _named(exact), bound, 0.0, wide=True)
    strays = MOST_ROUNDING * max(distance(one, two) for one, two in zip(exact, theirs, strict=True))
    return Parity(plain.inputs, plain.outputs, max(plain.atol, strays), plain.rtol)


def _agree(theirs: Sequence[Array], ours: Sequence[Array], atol: float, rtol: float) -> bool:
    return all(
        distance(one, two) <= atol + rtol * float(np.abs(one.astype(np.float64)).max(initial=0))
        for one, two in zip(theirs, ours, strict=True)
    )


def _turned(translation: Translation, run: Run) -> list[Array]:
    """The source's outputs in the written model's order of axes."""
    made = translation.draft
    orders = [cast(tuple[int, ...], made.assembled.orders[name]) for name in made.trace.outputs]
    return [np.transpose(array, order) for array, order in zip(run.outputs, orders, strict=True)]


def _named(outputs: Sequence[Array]) -> dict[str, Array]:
    return {f"output_{place:02}": array for place, array in enumerate(outputs)}


def _widened(arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {name: array.astype(np.float64) if array.dtype.kind == "f" else array for name, array in arrays.items()}
