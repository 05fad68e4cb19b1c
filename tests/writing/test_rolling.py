"""Runs of lines become loops, and only where a loop reads better."""

from __future__ import annotations

from homolog.writing import Program, structured
from writing.programs import Trace, outcome, source, structured_outcome


def body(program: Program) -> str:
    found = structured(program)
    assert structured_outcome(found, program) == outcome(program), source(found)
    return found.body


def chain(*expressions: str) -> Program:
    """Statements of which each reads the one before, as ``{}``."""
    t = Trace(("x0",))
    x = "x0"
    for expression in expressions:
        x = t(expression.replace("{}", x))
    return t.program(x)


def test_names_that_count_are_counted() -> None:
    text = body(chain(*(f'layers.Dense(8, name="fc{n}_out")({{}})' for n in range(9, 12))))
    assert text == 'x = x0\nfor i in range(9, 12):\n    x = layers.Dense(8, name=f"fc{i}_out")(x)'


def test_numbers_that_follow_no_rule_are_listed_and_others_told_from_them() -> None:
    steps = (
        line
        for n in (0, 3, 8)
        for line in (f'layers.Dense(8, name="f_{n}")({{}})', f'layers.ReLU(name="f_{n + 1}")({{}})')
    )
    text = body(chain(*steps))
    assert "for i in [0, 3, 8]:" in text
    assert 'name=f"f_{i + 1}"' in text


def test_zeros_in_front_are_not_lost() -> None:
    assert "for" not in body(chain(*(f'layers.Dense(8, name="fc0{n}")({{}})' for n in range(2))))
    assert 'f"fc0{i}"' not in body(chain(*(f'layers.Dense(8, name="fc{n:02}")({{}})' for n in range(8, 12))))


def test_what_differs_stands_in_the_header() -> None:
    sizes = [(16, 1), (32, 2), (64, 2), (128, 2)]
    steps = (
        line
        for n, (filters, strides) in enumerate(sizes)
        for line in (f'layers.Conv2D({filters}, 3, strides={strides}, name="c{n}")({{}})', "ops.relu({})")
    )
    assert "for i, (filters, strides) in enumerate([(16, 1), (32, 2), (64, 2), (128, 2)]):" in body(chain(*steps))


def test_two_lines_with_a_table_stay_two_lines() -> None:
    assert "for" not in body(chain('layers.Dense(8, name="a")({})', 'layers.Dense(16, name="b")({})'))


def test_words_that_differ_share_one_column() -> None:
    steps = (
        f'layers.{kind}(4, name="{part}_{kind.lower()}")({{}})'
        for part in ("stem", "body", "head")
        for kind in ("Dense", "Norm", "Scale", "Act")
    )
    assert 'for name in ["stem", "body", "head"]:' in body(chain(*steps))


def test_loops_stand_inside_loops() -> None:
    steps = (
        line
        for stage in range(3)
        for line in (
            f'layers.Pool(2, name="s{stage}_pool")({{}})',
            *(f'layers.Dense(8, name="s{stage}_{n}_fc")({{}})' for n in range(4)),
        )
    )
    text = body(chain(*steps))
    assert "for i in range(3):\n    x = layers.Pool" in text
    assert '    for j in range(4):\n        x = layers.Dense(8, name=f"s{i}_{j}_fc")(x)' in text


def test_variables_that_change_places_do() -> None:
    t = Trace(("x0", "y0"))
    x, y = "x0", "y0"
    for n in range(4):
        x, y = y, t(f'layers.Dense(8, name="d{n}")({x}, {y})')
    body(t.program(x, y))
    t = Trace(("x0", "y0"))
    x, y = "x0", "y0"
    for n in range(4):
        new = t(f'layers.Dense(8, name="d{n}")({x}, {y})')
        x, y = t(f"{y} * {x}"), new
    text = body(t.program(x, y))
    assert "for i in range(4):" in text


def test_what_a_loop_begins_with_is_kept_where_it_is_read_again() -> None:
    t = Trace(("x0",))
    first = x = t("ops.f(x0)")
    for n in range(3):
        x = t(f'layers.Dense(8, name="d{n}")({x})')
    assert body(t.program(t(f"{first} + {x}"))) == (
        'x = ops.f(x0)\ny = x\nfor i in range(3):\n    y = layers.Dense(8, name=f"d{i}")(y)\nx = x + y'
    )


def test_what_every_repetition_makes_is_collected() -> None:
    t = Trace(("x0",))
    x, kept = "x0", []
    for n in range(5):
        x = t(f'layers.Dense(8, name="d{n}")({x})')
        x = t(f"ops.relu({x})")
        kept.append(x)
    found = structured(t.program(*kept))
    assert found.outputs == tuple(f"features[{n}]" for n in range(5))
    assert structured_outcome(found, t.program(*kept)) == outcome(t.program(*kept))
    stacked = t.program(t(f"ops.stack([{', '.join(kept)}])"))
    assert body(stacked).endswith("ops.stack(features)")


def test_a_list_that_grows_is_a_list() -> None:
    t = Trace(("x0",))
    made = ["x0"]
    for n in range(5):
        x = t(f"ops.concatenate([{', '.join(made)}], axis=-1)")
        made.append(t(f'layers.Dense(8, name="d{n}")({x})'))
    assert body(t.program(t(f"ops.concatenate([{', '.join(made)}], axis=-1)"))) == (
        "features = [x0]\n"
        "for i in range(5):\n"
        "    x = ops.concatenate(features, axis=-1)\n"
        '    x = layers.Dense(8, name=f"d{i}")(x)\n'
        "    features.append(x)\n"
        "x = ops.concatenate(features, axis=-1)"
    )


def test_a_list_that_is_read_before_it_grows_and_after() -> None:
    t = Trace(("x0",))
    made: list[str] = []
    x = "x0"
    for _ in range(4):
        x = t(f"ops.relu({x})")
        made.append(x)
        x = t(f"ops.concatenate([x0, {', '.join(made)}])")
    body(t.program(x))


def test_a_variable_read_later_than_its_line_is_not_assigned_again() -> None:
    t = Trace(("x0",))
    x = "x0"
    for _ in range(3):
        y = t(f"ops.f({x})")
        x = t(f"ops.late(lambda t: t + {y})({x})")
    found = structured(t.program(x))
    names = [line.split(" = ")[0] for line in found.body.splitlines()]
    assert "for" not in found.body
    assert len(set(names[0::2])) == 3
