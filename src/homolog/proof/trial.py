"""One input, and what both networks make of it, in float32 and in float64."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from homolog.live import Run
from homolog.proof.pairing import Paired, paired
from homolog.proof.samples import Samples, inputs_for
from homolog.proof.subjects import Subjects

JITTER = 2.0**-50
"""Of each weight: eight units in the last place of float64."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A run of both networks. Passes in float64 are made when they are asked for, and once: by then both networks must
    hold the weights that they held here.

    Attributes:
        subjects: the networks.
        seed, batch: of the inputs.
        inputs: what both were run on.
        left, right: what each gives.
        found: which outputs correspond.
    """

    subjects: Subjects
    seed: int
    batch: int
    inputs: Samples
    left: Run
    right: Run
    found: Paired

    @cached_property
    def wide_left(self) -> Run | None:
        """What the first gives in float64; None if it does not run so."""
        return self.subjects.a.exact(self.inputs.first)

    @cached_property
    def wide_right(self) -> Run | None:
        """What the second gives in float64; None if it does not run so."""
        return self.subjects.b.exact(self.inputs.second)

    @cached_property
    def jittered_left(self) -> Run | None:
        """What the first gives in float64 with every weight off by a few units in the last place."""
        return self.subjects.a.exact(self.inputs.first, jitter=JITTER)

    @cached_property
    def jittered_again(self) -> Run | None:
        """The same once more, which gives the same where nothing is drawn."""
        return self.subjects.a.exact(self.inputs.first, jitter=JITTER)


def tried(subjects: Subjects, seed: int, batch: int) -> Trial:
    """Run both networks on random inputs, or on those that the user brought."""
    inputs = inputs_for(subjects, batch=batch, seed=seed)
    left, right = subjects.a.run(inputs.first), subjects.b.run(inputs.second)
    return Trial(subjects, seed, batch, inputs, left, right, paired(subjects, left, right))
