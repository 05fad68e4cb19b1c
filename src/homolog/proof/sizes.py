"""Part of the proof: inputs of another size, where both networks leave it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from homolog.live import Live
from homolog.proof import outputs
from homolog.proof.part import Part
from homolog.proof.samples import inputs_for, open_axes
from homolog.proof.subjects import Subjects, Tolerance
from homolog.tensors import Array

NAME = "other sizes"
SEED = 1


def check_sizes(subjects: Subjects, tolerance: Tolerance) -> Part | None:
    """Compare the outputs for odd lengths where neither network fixes them: paddings, strides and poolings that agree
    on even lengths may differ on odd ones.

    A PyTorch module does not say which lengths it takes, and a Keras model that leaves them open may still need, say,
    multiples of eight. So both are run first.

    Returns:
        The part; None where no length is open, one of the two cannot be run on others, or the user gave the inputs.
    """
    if subjects.given is not None or not open_axes(subjects.graph_a, subjects.graph_b):
        return None
    other = replace(subjects, odd=True)
    inputs = inputs_for(other, batch=1, seed=SEED)
    if not (_runs(subjects.a, inputs.first) and _runs(subjects.b, inputs.second)):
        return None
    sizes = ", ".join(f"{name} of {_words(array.shape)}" for name, array in inputs.first.items())
    part = outputs.check(other, tolerance, (SEED,), NAME)
    return replace(part, details=(f"run on {sizes}, which both leave open", *part.details))


def _runs(live: Live, inputs: Mapping[str, Array]) -> bool:
    """Whether a network takes inputs of these sizes."""
    try:
        live.run(inputs)
    except Exception:  # noqa: BLE001 - whatever the network's own code raises at sizes that it was not made for
        return False
    return True


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(("batch", *map(str, shape[1:])))
