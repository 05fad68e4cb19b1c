"""What most calls give is taken for granted."""

from __future__ import annotations

from homolog.writing import structured
from writing.programs import Trace, outcome, source, structured_outcome


def test_a_parameter_that_most_calls_share_has_a_default() -> None:
    t = Trace()
    x = "image"
    for number, (strides, size) in enumerate([(1, 3), (2, 5), (1, 9), (1, 6), (1, 4)]):
        with t.module(f"{'abcde'[number]}", "Block") as name:
            x = t(f'layers.Conv2D({size}, 3, strides={strides}, name="{name}_conv")({x})')
            x = t(f"ops.relu({x})")
    found = structured(t.program(x))
    assert structured_outcome(found, t.program(x)) == outcome(t.program(x)), source(found)
    assert found.functions[0].startswith("def block(x, filters, name, strides=1):")
    assert 'x = block(x, 5, strides=2, name="b")' in found.body
    assert 'x = block(x, 9, name="c")' in found.body
