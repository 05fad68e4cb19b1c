"""Functions are called after classes."""

from __future__ import annotations

import pytest

from homolog.writing.naming import snake


@pytest.mark.parametrize(
    ("type", "name"),
    [
        ("BasicBlock", "basic_block"),
        ("Conv2dNormActivation", "conv2d_norm_activation"),
        ("MBConv", "mb_conv"),
        ("_DenseLayer", "dense_layer"),
        ("GRU", "gru"),
        ("1x1", "module_1x1"),
    ],
)
def test_a_class_gives_its_name(type: str, name: str) -> None:
    assert snake(type) == name
