"""Reshapes, permutations, slices, joins, splits and repetitions."""

from __future__ import annotations

import pytest
import torch
from tests.keras.emitting.operators.test_shape import ANY
from tests.pytorch.emitting.again import One, again, behind, drawn, plain


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
