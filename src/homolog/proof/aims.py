"""One random array for each output of two networks, the same numbers for both: cotangents, or targets to train to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from homolog.live import Run
from homolog.proof.pairing import paired
from homolog.proof.subjects import Subjects
from homolog.tensors import Array


@dataclass(frozen=True)
class Aims:
    """For each output of the two networks an array in that network's own order of axes, None for those that do not
    correspond or hold no floating point numbers.

    Attributes:
        first, second: in the order of the outputs.
        left: in words, what only one network gives.
        problem: why there is nothing to aim at; empty if there is.
    """

    first: tuple[Array | None, ...]
    second: tuple[Array | None, ...]
    left: tuple[str, ...] = ()
    problem: str = ""


def aims(subjects: Subjects, left: Run, right: Run, seed: int) -> Aims:
    """Draw them from a standard normal distribution, for the outputs of these runs."""
    random = np.random.default_rng(seed)
    numbered, starts = _numbered(right)
    found = paired(subjects, _numbered(left)[0], numbered)
    places = {int(one.flat[0]): place for place, one in enumerate(_numbered(left)[0].outputs) if one.size}
    first: list[Array | None] = [None] * len(left.outputs)
    second: list[Array | None] = [None] * len(right.outputs)
    problem = ""
    for one, two in found.pairs:
        if one.shape != two.shape:
            problem = f"outputs of shapes {one.shape} and {two.shape}"
            break
        if not one.size:
            continue
        place = places[int(one.flat[0])]
        other = int(np.searchsorted(starts, two.min(), side="right")) - 1
        if left.outputs[place].dtype.kind not in "fV" or right.outputs[other].dtype.kind not in "fV":
            continue
        drawn = random.standard_normal(one.shape)
        turned = np.empty(two.size)
        turned[two.reshape(-1) - starts[other]] = drawn.reshape(-1)  # back to where its numbers came from
        first[place], second[other] = drawn, turned.reshape(right.outputs[other].shape)
    if not problem and all(array is None for array in first):
        problem = "the networks give no outputs that could be compared"
    return Aims(tuple(first), tuple(second), found.left, problem)


def _numbered(run: Run) -> tuple[Run, Array]:
    """The run with every number of its outputs replaced by a number of its own, and each output's first."""
    starts = np.array([0, *accumulate(array.size for array in run.outputs)][:-1], np.int64)
    outputs = [
        start + np.arange(array.size).reshape(array.shape) for start, array in zip(starts, run.outputs, strict=True)
    ]
    return replace(run, outputs=tuple(outputs)), starts
