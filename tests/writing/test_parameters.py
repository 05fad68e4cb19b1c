"""What differs between the calls of a module becomes a parameter, and nothing else does."""

from __future__ import annotations

from homolog.writing import structured
from homolog.writing.parameters import Parameters
from writing.programs import Trace, outcome, source, structured_outcome


def test_parameters_are_told_from_one_another() -> None:
    parameters = Parameters(("a_0", "a_1"), frozenset())
    assert parameters.resolve(("64", "128"), "filters") == "filters"
    assert parameters.resolve(("3", "3"), "kernel_size") == "3"
    assert parameters.resolve(("256", "512"), "filters") == "filters * 4"
    assert parameters.resolve(("32", "64"), "units") == "filters // 2"
    assert parameters.resolve(("64", "128"), "groups") == "filters"
    assert parameters.resolve(("1", "2"), "strides") == "strides"
    assert parameters.resolve(("(-1, 7, 64)", "(-1, 7, 128)"), "shape") == "(-1, 7, filters)"
    assert parameters.resolve(("(-1, 7, 9)", "(-1, 8, 5)"), "shape") == "shape"
    assert parameters.resolve(('"a_0_conv"', '"a_1_conv"'), "name") == 'f"{name}_conv"'
    assert parameters.resolve(('"a_0"', '"a_1"'), "name") == "name"
    assert parameters.resolve(('"a_01"', '"a_11"'), "name") == "name_"
    parameters.finish()
    assert list(parameters.columns) == ["filters", "strides", "shape", "name_", "name"]


def test_true_and_one_are_two_values() -> None:
    t = Trace()
    x = "image"
    for number, term in enumerate(("1", "True", "1.0", "-1")):
        with t.module(f"b{number}", "Block") as name:
            x = t(f'layers.Thing(level={term}, name="{name}_a")({x})')
            x = t(f'layers.Dense(4, name="{name}_b")({x})')
    found = structured(t.program(x))
    assert structured_outcome(found, t.program(x)) == outcome(t.program(x)), source(found)
    assert "def block(x, level, name):" in found.functions[0]


def test_a_product_gets_its_brackets() -> None:
    t = Trace()
    x = "image"
    for number in (1, 2, 5):
        with t.module(f"b.{number}", "Block"):
            x = t(f"layers.Dense({number})({x})")
            x = t(f"{x} ** {number * 2}")
            x = t(f"{x} * {number * 4}")
    found = structured(t.program(x))
    assert structured_outcome(found, t.program(x)) == outcome(t.program(x)), source(found)
    assert "** (units * 2)" in found.functions[0]


def test_too_many_parameters_are_too_many() -> None:
    t = Trace()
    x = "image"
    for number in range(6):
        with t.module(f"b{number * number}", "Block") as name:
            for n in range(12):
                value = (number % 2) * (n * n + 1) + n * (number == 0) * 100
                x = t(f'layers.Thing(setting{n}={value}, name="{name}_{n}")({x})')
    found = structured(t.program(x))
    assert structured_outcome(found, t.program(x)) == outcome(t.program(x)), source(found)
    headers = [text.splitlines()[0] for text in found.functions]
    assert headers
    assert all(header.count(",") <= 9 for header in headers)
