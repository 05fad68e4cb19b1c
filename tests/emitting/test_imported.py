"""A live model from the text of its file."""

from __future__ import annotations

import inspect
import sys

import pytest

from homolog.emitting.imported import NAME, built

TEXT = """
class Net:
    def call(self, x: int) -> int:
        return x + 1


def build_model() -> Net:
    return Net()
"""


def test_what_the_file_builds_is_given() -> None:
    assert built(TEXT).call(2) == 3


def test_nothing_is_left_among_the_modules_of_python() -> None:
    before = sys.modules.get(NAME)
    built(TEXT)
    assert sys.modules.get(NAME) is before


def test_its_lines_can_be_read_when_the_file_is_gone() -> None:
    assert "return x + 1" in inspect.getsource(type(built(TEXT)).call)


def test_what_is_wrong_in_it_is_said_by_python() -> None:
    with pytest.raises(SyntaxError):
        built("def build_model(:")
