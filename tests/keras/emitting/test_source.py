"""The text of ``model.py``."""

from __future__ import annotations

import ast
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from translated import translated

from homolog.keras.emitting import source as writing


class Block(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.up, self.norm = nn.Linear(width, out), nn.LayerNorm(out)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.norm(self.up(x)))


def text(module: nn.Module, *shapes: tuple[int, ...]) -> str:
    return translated(module, *(np.zeros(shape, np.float32) for shape in shapes)).source


def test_the_source_imports_keras_and_the_standard_library_alone() -> None:
    tree = ast.parse(text(nn.Sequential(Block(3, 4), Block(4, 4)), (2, 3)))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert found == {"keras", "pathlib"}


def test_calls_of_one_class_are_one_function_with_what_varies_as_parameters() -> None:
    source = text(nn.Sequential(Block(3, 4), Block(4, 4), Block(4, 6)), (2, 3))
    assert source.count("def block(") == 1
    assert source.count("layers.Dense(") == 1
    assert "lambda" not in source.lower()


def test_a_class_for_loose_parameters_is_there_only_where_one_is_used() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.rand(3))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.scale

    assert "class Parameter(" in text(Scaled(), (2, 3))
    assert "class Parameter(" not in text(nn.Sequential(Block(3, 4)), (2, 3))


def test_one_output_comes_alone_several_as_they_were() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor) -> object:
            return (x * 2, x + 1)

    class Named(nn.Module):
        def forward(self, x: Tensor) -> object:
            return {"double": x * 2, "more": x + 1}

    assert isinstance(translated(Two(), np.zeros((2, 3), np.float32)).model.output, list)
    assert set(translated(Named(), np.zeros((2, 3), np.float32)).model.output) == {"double", "more"}


def test_the_source_is_formatted() -> None:
    import black

    source = text(nn.Sequential(Block(3, 4), Block(4, 4)), (2, 3))
    assert black.format_str(source, mode=black.Mode(line_length=100)) == source


def test_a_model_that_is_deeper_than_pythons_calls_asks_for_more_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []
    monkeypatch.setattr("sys.setrecursionlimit", limits.append)
    monkeypatch.setattr(writing, "DEEP", 6)
    deep = [layer for width in range(3, 9) for layer in (nn.Linear(width, width + 1), nn.Tanh())]

    assert "import sys" not in text(nn.Sequential(Block(3, 4), Block(4, 4)), (2, 3))
    assert limits == []
    assert "sys.setrecursionlimit(max(sys.getrecursionlimit(), 1024))" in text(nn.Sequential(*deep), (2, 3))
    assert limits == [max(sys.getrecursionlimit(), 1024)]


@pytest.mark.slow
def test_a_thousand_layers_in_a_row_are_built_and_the_same() -> None:
    before = sys.getrecursionlimit()
    try:
        found = translated(
            nn.Sequential(*(nn.Hardtanh(-2 - n, 2 + n) for n in range(1050))), np.zeros((2, 3), np.float32)
        )
        assert found.source.count("sys.setrecursionlimit") == 1
        x = 4 * np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
        np.testing.assert_array_equal(np.asarray(found.model(x)), np.clip(x, -2, 2))
    finally:
        sys.setrecursionlimit(before)
