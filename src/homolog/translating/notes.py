"""What a reader of a translation should know: what does not train as it did, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from homolog.emitting.assembled import Assembled
from homolog.trace import Trace

COMPUTED = "is computed from it"
"""In the reason why a tensor is not in the plan: the reader's words for a parametrization."""
POOLED = (
    "where several numbers of a window are its largest, each gets the whole gradient in Keras's MaxPooling3D on "
    "TensorFlow, and one of them in PyTorch"
)
TITLES = {"keras": "Keras", "pytorch": "PyTorch"}


def notes(trace: Trace, assembled: Assembled, differences: Sequence[str] = ()) -> tuple[str, ...]:
    """
    Args:
        trace: of the source.
        assembled: what was made of it.
        differences: between the training setups.
    """
    title = TITLES[assembled.framework]
    found = [f"not carried, for {title} has no such setting: {note}" for note in assembled.notes]
    found += [f"training: {difference}" for difference in differences]
    computed = [reason for reason in trace.ignored.values() if COMPUTED in reason]
    if computed:
        first = computed[0].partition(" is ")[0]
        found.append(f"{first}, and whatever else the source computes from others, is trained as it is used")
    attentions = sum(step.operator == "scaled_dot_product_attention" for step in trace.steps.values())
    if attentions:
        found.append(f"dropout inside of {attentions} attentions does not show at inference, and is not carried")
    if any(step.operator.startswith("max_pool3d") for step in trace.steps.values()):
        found.append(POOLED)
    kinds: dict[str, list[str]] = {}
    for path, kind in trace.silent.items():
        kinds.setdefault(kind, []).append(path)
    for kind, paths in kinds.items():
        places = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        found.append(f"{kind} ({places}) does nothing at inference, and is not in the model")
    return tuple(found)
