"""Roots of sums of squares, whose slope at zero is zero, as PyTorch defines it."""

from __future__ import annotations

SMALLEST = 1e-37
"""Next to nothing in float32, and no subnormal number, which some machines take for zero."""


def rooted(expression: str) -> str:
    """The root of what is not negative: by itself it has an infinite slope at zero, and everything in front of it none
    that is a number."""
    return f"ops.sqrt(ops.maximum({expression}, {SMALLEST!r}))"
