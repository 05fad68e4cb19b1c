"""Refusals of complex numbers. PyTorch's operators compute with them, so code for PyTorch may hold them between inputs
and outputs that are real; layers of Keras know none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from homolog.errors import Unsupported
from homolog.graph import Value
from homolog.trace import Step

COMPLEX = "complex"


def refuse_step(step: Step, written: Collection[str]) -> None:
    """Refuse a step that gives complex numbers and that nobody writes.

    Args:
        step: with its element types.
        written: the operators that are.
    """
    if step.operator not in written and any(dtype.startswith(COMPLEX) for dtype in step.dtypes):
        raise Unsupported(
            "the network computes with complex numbers",
            where=step.where or step.name,
            expected="real numbers: layers of Keras know no others, and PyTorch has only some operators for them",
            found=step.operator,
        )


def refuse_outputs(steps: Mapping[str, Step], given: Sequence[object]) -> None:
    """Refuse outputs whose parts nobody has taken: they are compared and trained on as real numbers."""
    for value in given:
        if isinstance(value, Value) and steps[value.node].dtypes[value.index].startswith(COMPLEX):
            raise Unsupported(
                "the network gives complex numbers",
                where=steps[value.node].where or value.node,
                expected="outputs of real numbers",
                found=steps[value.node].dtypes[value.index],
                help="give the real and the imaginary part as two outputs",
            )
