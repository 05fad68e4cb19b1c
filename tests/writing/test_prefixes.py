"""Names of layers tell of the modules they stand in."""

from __future__ import annotations

import pytest

from homolog.writing import Program
from homolog.writing.prefixes import prefixed, prefixes
from writing.modules import Modules


def scopes(program: Program) -> dict[str, str]:
    """For each variable, the modules around it."""
    return {
        item.targets[0]: "/".join(f"{call.path}:{call.count}" for call in item.calls)
        for item in prefixed(program).statements
    }


def types(program: Program) -> set[str]:
    return {call.type for item in prefixed(program).statements for call in item.calls}


@pytest.mark.parametrize(
    ("layer", "found"),
    [
        ("conv2_block1_1_conv", ("conv2", "conv2_block1")),
        ("block_5_expand_BN", ("block_5",)),
        ("block1a_se_reduce", ("block1a",)),
        ("backbone/stage_0_block_2_norm", ("backbone/stage_0", "backbone/stage_0_block_2")),
        ("conv2d_17", ("conv2d_17",)),
        ("block2_sepconv1/depthwise", ("block2", "block2_sepconv1")),
        ("layers/0/dense", ("layers/0",)),
        ("batch_normalization", ()),
        ("stem_conv", ()),
        ("17", ()),
    ],
)
def test_a_prefix_ends_in_a_word_with_a_number(layer: str, found: tuple[str, ...]) -> None:
    assert prefixes(layer) == tuple(item.replace("/", ".") for item in found)


def test_what_is_known_as_a_module_is_no_prefix() -> None:
    assert prefixes("net_1/block_2/dense", "net_1") == ("net_1.block_2",)


def layered(t: Modules, x: str, *layers: str) -> str:
    for layer in layers:
        x = t.make(layer, "nn.Linear(4, 4)", f"made({x})")
    return x


def test_modules_stand_inside_modules() -> None:
    t = Modules()
    layered(t, "image", "stem", "conv2_block1_a", "conv2_block1_b", "conv2_block2_a", "conv2_block2_b", "head")
    program = t.program("v5")
    assert list(scopes(program).values()) == [
        "",
        *["conv2:0/conv2_block1:0"] * 2,
        *["conv2:0/conv2_block2:0"] * 2,
        "",
    ]
    assert types(program) == {"Conv", "ConvBlock"}


def test_one_layer_is_no_module() -> None:
    t = Modules()
    program = t.program(layered(t, "image", "dense_1", "dense_2", "dense_3"))
    assert set(scopes(program).values()) == {""}


def test_what_all_layers_share_is_no_module() -> None:
    t = Modules()
    program = t.program(layered(t, "image", "net1_a", "net1_b", "net1_block1_a", "net1_block1_b"))
    assert list(scopes(program).values()) == ["", "", "net1_block1:0", "net1_block1:0"]


def test_modules_stand_inside_those_that_are_known() -> None:
    t = Modules()
    x = layered(t, "image", "stem")
    with t.module("backbone", "Backbone"):
        x = layered(t, x, "backbone/in", "backbone/block_1_a", "backbone/block_1_b")
    assert list(scopes(t.program(x)).values()) == [
        "",
        "backbone:0",
        *["backbone:0/backbone.block_1:0"] * 2,
    ]


def test_a_module_of_the_same_layers_is_called_again() -> None:
    t = Modules()
    x = layered(t, "image", "head_1_a", "head_1_b", "mid", "head_1_a", "head_1_b")
    assert list(scopes(t.program(x)).values()) == ["head_1:0", "head_1:0", "", "head_1:1", "head_1:1"]


def test_other_layers_of_the_same_name_are_not() -> None:
    t = Modules()
    x = layered(t, "image", "head_1_a", "head_1_b", "mid", "head_1_c", "head_1_d")
    assert list(scopes(t.program(x)).values()) == ["head_1:0", "head_1:0", "", "", ""]


def test_what_has_no_name_goes_with_what_it_joins() -> None:
    t = Modules()
    x = layered(t, "image", "block_1_a", "block_1_b")
    skip = t(f"{x} + image")
    padded = t(f"F.pad({skip}, (1, 1))")
    y = layered(t, padded, "block_2_a", "block_2_b")
    pooled = t(f"F.max_pool2d({skip}, 2)")
    end = t(f"{y} + {pooled}")
    found = scopes(t.program(t.make("head", "nn.Linear(4, 4)", f"made({end})")))
    assert found[skip] == "block_1:0"
    assert found[padded] == found[pooled] == found[end] == "block_2:0"


def test_what_only_one_of_many_ends_with_stands_outside() -> None:
    t = Modules()
    x = "image"
    ends = []
    for number in range(4):
        x = layered(t, x, f"block_{number}_a", f"block_{number}_b")
        x = t(f"F.relu({x})")
        ends.append(x)
    mean = t(f"torch.mean({x}, (2, 3))")
    found = scopes(t.program(layered(t, mean, "head")))
    assert [found[end] for end in ends] == [f"block_{number}:0" for number in range(4)]
    assert found[mean] == ""


def test_a_name_without_a_number_tells_nothing_of_what_makes_nothing() -> None:
    t = Modules()
    x = layered(t, "image", "block_1_a", "block_1_b")
    t.statements.append(type(t.statements[0])(("v2",), f"F.relu({x})", (), "activation"))
    t.variables += 1
    y = layered(t, "v2", "head")
    assert scopes(t.program(y))["v2"] == "block_1:0"
