"""Reshapes, permutations, slices, joins, splits and repetitions."""

from __future__ import annotations

import pytest
import torch
from tests.keras.emitting.operators.test_shape import ANY
from tests.pytorch.emitting.again import Function, One, again, behind, drawn, plain

from homolog.pytorch.emitting.assemble import assemble
from homolog.pytorch.emitting.registry import WRITERS
from homolog.pytorch.emitting.source import Names, source
from homolog.pytorch.program import trace
from homolog.pytorch.written import build


@pytest.mark.parametrize("name", ANY)
def test_shapes(name: str) -> None:
    plain(ANY[name], shape=(2, 6, 3, 4))
    behind(ANY[name])


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_other_types(dtype: str) -> None:
    plain(lambda x: [x.flip(1), x.transpose(1, 2), torch.cat([x, x], 1), x[:, 1:], x.repeat(1, 2, 1)], dtype)


def test_one_row_is_repeated() -> None:
    plain(lambda x: torch.cat([torch.arange(3.0).repeat(x.shape[0], 2, 1), x], 1))
    plain(lambda x: torch.stack([torch.arange(15.0).reshape(1, 5, 3).expand(x.shape[0], -1, -1), x], 1))


def test_a_map_is_flattened_by_one_word() -> None:
    assert "x.flatten(1)" in again(One(lambda x: x.reshape(x.shape[0], -1)), drawn()).source


def test_one_length_is_left_to_pytorch() -> None:
    assert "reshape(-1, 3, 5)" in again(One(lambda x: x.view(x.shape[0], 3, 5)), drawn()).source


class Free(One):
    """A function of one input, whose length is open too: run at another batch and another length."""

    def apart(self) -> tuple[float, str]:
        array = drawn((2, 6, 4))
        found = trace(self, [array], {0: (1,)}, WRITERS)
        made = assemble(found)
        text = source(made, Names("free", "a test"))
        given = torch.from_numpy(drawn((3, 9, 4)))
        return float((self(given) - build(text)(given)).abs().max()), text


@pytest.mark.parametrize(
    ("function", "words"),
    {
        "rows and lengths are one axis": (lambda x: (x.reshape(-1, 4) + 1).reshape(*x.shape), "reshape(-1, 4)"),
        "axes that lie otherwise": (lambda x: (x.reshape(-1, 4) + 1).reshape(x.shape[1], x.shape[0], 4), ".shape[1]"),
        "its own axes": (lambda x: x.reshape(*x.shape[:2], 2, 2), "x.reshape(x.shape[0], x.shape[1], 2, 2)"),
        "axes made one behind": (lambda x: x.reshape(x.shape[0], -1), "flatten(1)"),
        "rows alone": (lambda x: x.reshape(-1, x.shape[1], 2, 2), "x.reshape(x.shape[0], x.shape[1], 2, 2)"),
    }.values(),
)
def test_several_open_lengths(function: Function, words: str) -> None:
    distance, text = Free(function).apart()
    assert distance == 0
    assert words in text
