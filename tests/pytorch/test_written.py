"""A live module from the text of its file."""

from __future__ import annotations

import inspect
import sys

import pytest

from homolog.pytorch.written import NAME, build

TEXT = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(x)


def build_model() -> nn.Module:
    return Net()
"""


def test_it_is_as_it_is_at_inference() -> None:
    assert not build(TEXT).training


def test_nothing_is_left_among_the_modules_of_python() -> None:
    before = sys.modules.get(NAME)
    build(TEXT)
    assert sys.modules.get(NAME) is before


def test_its_lines_can_be_read_when_the_file_is_gone() -> None:
    assert "return self.drop(x)" in inspect.getsource(type(build(TEXT)).forward)


def test_what_is_wrong_in_it_is_said_by_python() -> None:
    with pytest.raises(SyntaxError):
        build("def build_model(:")
