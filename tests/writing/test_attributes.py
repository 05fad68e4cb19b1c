"""Names for attributes."""

from __future__ import annotations

import pytest

from homolog.writing.attributes import camel, common, distinct, identifier, numbered, relative


@pytest.mark.parametrize(
    ("path", "scope", "name"),
    [
        ("conv2_block1_1_conv", "conv2_block1", "conv_1"),
        ("encoder/attention/query", "encoder.attention", "query"),
        ("encoder/attention/query", "encoder", "attention_query"),
        ("block_1/LayerNorm", "block_1", "layer_norm"),
        ("block_10_conv", "block_1", "block_10_conv"),
        ("conv2d_17", "block_3", "conv2d_17"),
        ("backbone/conv2d_17", "block_3", "conv2d_17"),
        ("layer1.0.conv1", "layer1.0", "conv1"),
        ("layer1.0", "layer1", ""),
        ("block_5_expand_BN", "block_5", "expand_bn"),
        ("top conv-1", "", "top_conv_1"),
        ("2d_pool", "", "layer_2d_pool"),
    ],
)
def test_a_layer_is_called_by_what_its_path_has_in_addition(path: str, scope: str, name: str) -> None:
    assert relative(path, scope) == name


def test_numbers_go_behind_words() -> None:
    assert identifier("0_1_conv_2") == "conv_2_0_1"


def test_names_that_differ_in_numbers_are_one() -> None:
    assert common(["conv2d_17", "conv2d_3", "conv2d"]) == "conv2d"
    assert common(["query", "query"]) == "query"
    assert common(["query", "key"]) == ""


def test_names_are_made_distinct() -> None:
    assert distinct("conv", {"conv", "conv_2"}) == "conv_3"
    assert distinct("class", ()) == "class_2"
    assert distinct("Block", {"Block"}, "") == "Block2"


def test_classes_are_called_in_camel_case() -> None:
    assert camel("conv_block") == "ConvBlock"
    assert camel("BasicBlock") == "BasicBlock"
    assert camel("2") == "Block"


def test_a_run_is_called_by_its_ends() -> None:
    assert numbered(["block_7", "block_8", "block_10"]) == "blocks_7_10"
    assert numbered(["block3a", "block3b"]) == "blocks_3a_3b"
    assert numbered(["query", "key"]) == ""
    assert numbered(["conv_1", "norm_1"]) == ""
