"""Statements that repeat are modules."""

from __future__ import annotations

from homolog.writing import Call, Program
from homolog.writing.lines import Line
from homolog.writing.parsing import flat
from homolog.writing.repetitions import repeated
from writing.modules import Modules


def found(program: Program) -> list[Line]:
    return repeated(flat(program))


def paths(program: Program) -> list[str]:
    """The innermost module of each line."""
    return [line.scope[-1].path if line.scope else "" for line in found(program)]


def unit(t: Modules, x: str, number: int, width: int = 4) -> str:
    x = t.make(f"conv_{number}", f"nn.Conv2d({width}, {width}, 3)", f"made({x})")
    x = t.make(f"norm_{number}", f"nn.BatchNorm2d({width})", f"made({x})")
    return t(f"F.relu({x})")


def test_stretches_of_one_form_are_modules() -> None:
    t = Modules()
    x = t("F.pad(image, (1, 1))")
    for number in range(4):
        x = unit(t, x, number, 2**number)
    assert paths(t.program(x)) == ["", *(f"conv_block_{number}" for number in (1, 2, 3, 4) for _ in range(3))]
    assert {line.scope[0].type for line in found(t.program(x))[1:]} == {"ConvBlock"}


def test_a_few_are_none() -> None:
    t = Modules()
    x = unit(t, unit(t, "image", 0), 1)
    assert set(paths(t.program(x))) == {""}


def test_a_stretch_that_gives_two_variables_is_none() -> None:
    t = Modules()
    x, kept = "image", []
    for number in range(6):
        x = t.make(f"conv_{number}", "nn.Conv2d(4, 4, 3)", f"made({x})")
        kept.append(x)
        kept.append(t(f"{x} * 2"))
        x = t(f"F.tanh({kept[-1]})")
        kept.append(x)
    assert set(paths(t.program(x, *kept))) == {""}


def test_a_layer_that_is_used_elsewhere_too_repeats_nothing() -> None:
    t = Modules()
    x = "image"
    for number in range(6):
        x = t.make("conv", "nn.Conv2d(4, 4, 3)", f"made({x})")
        x = t.make(f"norm_{number}", "nn.BatchNorm2d(4)", f"made({x})")
        x = t(f"F.relu({x})")
    assert set(paths(t.program(x))) == {""}


def test_modules_are_found_inside_those_that_are_known_alike_in_each_call() -> None:
    t = Modules(("left", "right"))
    ends = []
    for side in ("left", "right"):
        x = side
        with t.module("net", "Net"):
            for number in range(4):
                x = unit(t, x, number)
            ends.append(x)
    lines = found(t.program(*ends))
    assert [line.scope for line in lines[:4:3]] == [
        (Call("net", "Net"), Call("net.conv_block_1", "ConvBlock")),
        (Call("net", "Net"), Call("net.conv_block_2", "ConvBlock")),
    ]
    assert lines[12].scope == (Call("net", "Net", 1), Call("net.conv_block_1", "ConvBlock", 1))


def test_a_path_that_there_is_is_no_other_modules() -> None:
    t = Modules()
    with t.module("conv_block_1", "Other"):
        x = t("F.pad(image, (1, 1))")
    for number in range(4):
        x = unit(t, x, number)
    assert sorted(set(paths(t.program(x)))) == [f"conv_block_{number}" for number in (1, 2, 3, 4, 5)]
