"""Refusals of complex numbers. PyTorch's operators compute with them, so code for PyTorch may hold them between inputs
and outputs that are real; layers of Keras know none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from homolog.errors import Unsupported
from homolog.graph import Value
from homolog.trace import Step

COMPLEX = "complex"
"""How the element types begin, and the operator that makes such a number of two: whoever writes that one knows them."""


def refuse_step(step: Step, written: Collection[str]) -> None:
    """Refuse a step that gives complex numbers, for a framework whose layers know none, or that nobody writes.

    A cast or a product is written for real numbers too, so that its operator is says nothing by itself.

    Args:
        step: with its element types.
        written: the operators that are.
    """
    known = COMPLEX in written and step.operator in written
    if not known and any(dtype.startswith(COMPLEX) for dtype in step.dtypes):
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
