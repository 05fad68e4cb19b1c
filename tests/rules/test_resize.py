"""Padding: what of it the laws do not try."""

from __future__ import annotations

from homolog import rules


def test_a_pad_of_the_second_axis_too_gives_its_shape() -> None:
    """As Swin has it in transformers, whose maps have their channels last by themselves."""
    rule = rules.for_kind("pad")
    assert rule is not None
    fields = {"padding": ((0, 1), (0, 2), (0, 0)), "mode": "constant", "value": 0.0}
    assert rule.infer(fields, {}, [(None, 7, 8, 9)]) == (None, 8, 10, 9)
