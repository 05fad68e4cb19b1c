"""Whole programs: the same outcome, in source that a person would write."""

from __future__ import annotations

import ast
import time

import pytest

from homolog.writing import Call, Program, Statement, structured
from writing.networks import NETWORKS, resnet, vit
from writing.programs import Trace, outcome, source, structured_outcome


def same(program: Program) -> str:
    """The structured source of a program, once it is sure that it computes the same."""
    found = structured(program)
    assert structured_outcome(found, program) == outcome(program), source(found)
    return source(found)


@pytest.mark.parametrize(
    ("name", "lines", "functions"),
    [
        ("resnet18", 36, ["basic_block", "basic_block_with_downsample"]),
        ("resnet50", 50, ["bottleneck", "bottleneck_with_downsample"]),
        ("vit", 40, ["multihead_attention", "encoder_block"]),
        ("unet", 36, ["double_conv", "down", "up"]),
        ("raft", 32, ["corr_block", "update_block"]),
        ("densenet", 44, ["dense_layer", "transition"]),
    ],
)
def test_a_network_is_short(name: str, lines: int, functions: list[str]) -> None:
    text = same(NETWORKS[name])
    assert len(text.splitlines()) <= lines + 1, text
    tree = ast.parse(text)
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == functions
    assert all(ast.get_docstring(node) for node in tree.body if isinstance(node, ast.FunctionDef))


def test_a_resnet_is_written_as_one_would() -> None:
    found = structured(resnet())
    assert (
        found.functions[0]
        == '''\
def basic_block(x, filters, name):
    """BasicBlock: layer1.0, layer1.1, layer2.1 and 2 more."""
    y = layers.Conv2D(filters, 3, strides=1, padding="same", use_bias=False, name=f"{name}_conv1")(x)
    y = layers.BatchNormalization(epsilon=1e-05, name=f"{name}_bn1")(y)
    y = layers.Activation("relu", name=f"{name}_relu")(y)
    y = layers.Conv2D(filters, 3, strides=1, padding="same", use_bias=False, name=f"{name}_conv2")(y)
    y = layers.BatchNormalization(epsilon=1e-05, name=f"{name}_bn2")(y)
    x = y + x
    return layers.Activation("relu", name=f"{name}_relu_1")(x)'''
    )
    assert (
        found.body
        == """\
x = layers.Conv2D(64, 7, strides=2, padding="same", use_bias=False, name="conv1")(image)
x = layers.BatchNormalization(epsilon=1e-05, name="bn1")(x)
x = layers.Activation("relu", name="relu")(x)
x = layers.MaxPooling2D(3, strides=2, padding="same", name="maxpool")(x)
for i in range(2):
    x = basic_block(x, 64, name=f"layer1_{i}")
for i, filters in enumerate([128, 256, 512], start=2):
    x = basic_block_with_downsample(x, filters, name=f"layer{i}_0")
    x = basic_block(x, filters, name=f"layer{i}_1")
x = layers.GlobalAveragePooling2D(name="avgpool")(x)
x = layers.Dense(1000, name="fc")(x)"""
    )
    assert (found.inputs, found.outputs) == (("image",), ("x",))


def test_no_line_stands_twice() -> None:
    for name, program in NETWORKS.items():
        found = structured(program)
        for text in (*found.functions, found.body):
            named = [line for line in text.splitlines() if "name=" in line]
            assert len(named) == len(set(named)), name


def test_a_module_is_not_taken_for_another_that_its_name_begins_with() -> None:
    t = Trace()
    x = "image"
    for path in ("layer1", "layer10", "layer1.10", "layer1.1"):
        with t.module(path, "Block") as name:
            x = t(f'layers.Dense(4, name="{name}")({x})')
            x = t(f'layers.Dense(4, name="{name}_0")({x})')
            x = t(f'layers.Dense(4, name="{name}0")({x})')
    text = same(t.program(x))
    assert "def block(x, layer, name)" not in text
    assert 'name=f"{name}_0"' in text
    assert "name=name" in text


def test_two_classes_of_one_name_are_two_functions() -> None:
    t = Trace()
    x = "image"
    for number in range(4):
        with t.module(f"blocks.{number}", "Block") as name:
            x = t(f'layers.Dense(4, name="{name}_fc1")({x})')
            x = t(f'layers.Activation("{"relu" if number % 2 else "gelu"}")({x})')
            if number % 2:
                x = t(f'layers.Dropout(0.5, name="{name}_drop")({x})')
    text = same(t.program(x))
    assert "def block(" in text
    assert "def block_with_dropout(" in text


def test_shared_layers_are_handed_down() -> None:
    t = Trace(("left", "right"))

    def branch(x: str) -> str:
        with t.module("encoder", "Encoder"):
            x = t(f'shared["encoder_0"]({x})')
            with t.module("encoder.block", "Block"):
                x = t(f'shared["encoder_block_0"]({x})')
                y = t(f'shared["encoder_block_1"]({x})')
                z = t(f'shared["encoder_block_2"]({y})')
                y = t(f"{y} + {z}")
                for number in range(3, 7):
                    y = t(f'shared["encoder_block_x{number * number}"]({y})')
                return t(f"{x} + {y}")

    text = same(t.program(t(f"{branch('left')} + {branch('right')}")))
    assert "def encoder(x, shared):" in text
    assert "x = encoder(left, shared)" in text
    assert "encoder(right, shared)" in text


def test_several_inputs_outputs_and_targets() -> None:
    t = Trace(("query", "key"))
    x, state = "query", "key"
    for number in range(3):
        with t.module(f"cells.{number}", "Cell") as name:
            x = t(f'layers.Dense(8, name="{name}_x")({x}, {state})')
            state = t(f'layers.Dense(8, name="{name}_h")({state})')
            first, second = t.several(f"ops.unpack({x}, 2)", 2)
            x = t(f"{first} + {second}")
    text = same(t.program(x, state, "key"))
    assert "y, x = cell(x, y, name=" in text


def test_what_is_read_of_some_calls_is_returned_by_all() -> None:
    t = Trace()
    x, kept = "image", []
    for number in (1, 5, 7):
        with t.module(f"down{number}", "Down") as name:
            x = t(f'layers.Conv2D({number * 3}, 3, name="{name}_conv")({x})')
            kept.append(x)
            x = t(f'layers.MaxPooling2D(2, name="{name}_pool")({x})')
    text = same(t.program(x, kept[0]))
    assert "return y, x" in text or "return x, y" in text
    assert "_, " in text


def test_a_module_with_lines_of_another_in_between() -> None:
    t = Trace()
    x = "image"
    for number in range(2):
        with t.module(f"a.{number}", "A") as name:
            x = t(f'layers.Dense(4, name="{name}_1")({x})')
            y = t(f'layers.Dense(4, name="{name}_2")({x})')
        t.counts[f"a.{number}"] = 0
        y = t(f"{y} * 2")
        with t.module(f"a.{number}", "A") as name:
            x = t(f'layers.Dense(4, name="{name}_3")({y})')
            x = t(f"{x} + {y}")
    assert "def" not in same(t.program(x))


def test_another_name_for_a_variable_is_no_line() -> None:
    program = Program(("x",), (Statement(("v1",), "x"), Statement(("v2",), "v1 + x")), ("v2", "v1"))
    found = structured(program)
    assert (found.body, found.outputs) == ("y = x + x", ("y", "x"))


def test_names_that_the_source_needs_are_left_alone() -> None:
    t = Trace(("x", "class"))
    y = t("x + x")
    for number in range(3):
        with t.module(f"blocks.{number}", "Input") as name:
            y = t(f'layers.Dense(4, units_first=lambda y: y + z, name="{name}_0")({y})')
            y = t(f"ops.clip({y}, min={number})")
            y = t(f'Parameter(1, name="{name}_p")({y})')
    program = t.program(y)
    found = structured(Program(("x", "feature map"), program.statements, program.outputs))
    assert found.inputs == ("x", "input_feature_map")
    assert "def input_block(y" not in found.functions[0]
    assert "min_" in found.functions[0]


def test_a_program_of_nothing() -> None:
    found = structured(Program(("image",), (), ("image",)))
    assert (found.functions, found.body, found.outputs) == ((), "", ("image",))


def test_a_variable_inside_an_f_string_is_refused() -> None:
    with pytest.raises(ValueError, match="f-string"):
        structured(Program(("image",), (Statement(("v0",), 'ops.f(f"{image}")'),), ("v0",)))


def test_a_long_body_is_cut_at_its_modules() -> None:
    t = Trace()
    x = "image"
    with t.module("model", "Model"):
        for part, step in (("backbone", 3), ("neck", 4), ("head", 5)):
            with t.module(f"model.{part}", part.title()):
                for number in range(20):
                    x = t(
                        f'layers.L{number * step * number % 7}({number * 7 % 5}, name="model_{part}_{number**2}")({x})'
                    )
    found = structured(t.program(x))
    assert structured_outcome(found, t.program(x)) == outcome(t.program(x))
    assert "def backbone(x):" in found.functions[0]
    assert all(len(text.splitlines()) <= 45 for text in (*found.functions, found.body))


def test_three_thousand_statements_take_no_time() -> None:
    program = vit(200)
    start = time.perf_counter()
    structured(program)
    assert len(program.statements) > 3000
    assert time.perf_counter() - start < 5


def test_calls_are_told_apart_by_their_count() -> None:
    calls = [Call("m", "M", count) for count in range(2)]
    statements = [
        Statement((f"v{2 * n + k}",), f"{f'v{2 * n + k - 1}' if n + k else 'left'} {'+*'[k]} right", (call,))
        for n, call in enumerate(calls)
        for k in range(2)
    ]
    assert "for _ in range(2):\n    x = m_block(x, right)" in same(
        Program(("left", "right"), tuple(statements), ("v3",))
    )
