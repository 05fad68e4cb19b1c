"""Operands of many axes are stretched as numpy stretches them, where TensorFlow does not by itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from translated import ROUNDING, apart, translated

from homolog.keras.emitting.broadcasting import repeats

ALTERNATING = ((1, 4, 1, 3, 1, 2), (3, 4, 5, 3, 6, 2))
SHAPES = [
    ALTERNATING,
    ((2, 1, 3, 1, 5, 1), (1, 4, 1, 6, 1, 7)),
    ((2, 1, 3, 1, 5, 1, 2), (2, 4, 3, 6, 5, 7, 2)),
    ((1, 2, 1, 3, 1, 2, 1, 4), (5, 2, 2, 3, 3, 2, 2, 4)),
]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_what_is_repeated_is_stretched_by_tensorflow(shapes: tuple[tuple[int, ...], ...]) -> None:
    import tensorflow as tf

    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape).astype(np.float32) for shape in shapes]
    with pytest.raises(tf.errors.UnimplementedError):
        tf.add(*arrays)

    tensors = [tf.constant(array) for array in arrays]
    for place, made in enumerate(repeats(shapes, [0] * len(shapes))):
        for axis, times in made.items():
            tensors[place] = tf.repeat(tensors[place], times, axis=axis)

    np.testing.assert_array_equal(tf.add(*tensors), np.add(*arrays))


def test_as_little_as_does_is_repeated() -> None:
    assert repeats(ALTERNATING, [0, 0]) == [{2: 5}, {}]
    assert repeats(((1, 4, 1, 3, 2), (3, 4, 5, 3, 2)), [0, 0]) == [{}, {}]
    assert repeats(((None, 4, 1, 3, 1, 1), (None, 1, 5, 3, 6, 2)), [0, 0]) == [{}, {}]


def test_along_an_open_axis_nothing_is_repeated() -> None:
    assert repeats(((1, 4, 1, 3, 1, 2), (None, 4, None, 3, 6, 2)), [0, 0]) == [{4: 6}, {}]


def test_an_axis_that_an_operand_does_not_have_is_not_repeated() -> None:
    first, second = ((1, 1, 3, 1, 5, 1), (2, 4, 3, 6, 5, 7))
    assert repeats((first, second), [2, 0]) == repeats((first, second), [0, 0])
    deep = ((1, 2, 1, 3, 1, 2), (5, 2, 2, 3, 3, 2))
    assert repeats(deep, [1, 0]) == [{2: 2}, {}]


class Offsets(nn.Module):
    """As deformable attention adds offsets to places: a value for each row, place, level and axis, and one for each
    place and level."""

    def __init__(self, call: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.call = call
        self.places = nn.Parameter(torch.rand(7, 3, 2) + 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        offsets = x.reshape(x.shape[0], 7, 4, 3, 5, 2)
        return self.call(self.places[None, :, None, :, None, :], offsets)


@pytest.mark.parametrize(
    ("call", "times"),
    [
        (torch.add, 1),
        (torch.sub, 1),
        (torch.mul, 1),
        (lambda one, two: two / one, 1),
        (torch.maximum, 1),
        (torch.lt, 1),
        (lambda one, two: torch.where(two > 0, one, two), 1),
        (lambda one, two: torch.addcmul(one, two, two, value=0.5), 1),
        (lambda one, two: torch.addcmul(two, one, one, value=0.5), 2),
        (lambda one, two: torch.lerp(one, two, one), 3),
    ],
    ids=["add", "sub", "mul", "div", "maximum", "less", "where", "addcmul", "addcmul of one twice", "lerp"],
)
def test_an_operator_of_six_axes_that_alternate(
    call: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], times: int
) -> None:
    x = np.zeros((2, 7, 120), np.float32)
    assert apart(Offsets(call), x) < ROUNDING
    assert translated(Offsets(call), x).source.count("ops.repeat(") == times


def test_an_operand_with_fewer_axes() -> None:
    class Fewer(Offsets):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.reshape(x.shape[0], 7, 4, 3, 5, 2) + self.places[:, None, :, None, :]

    module, x = Fewer(torch.add), np.zeros((2, 7, 120), np.float32)
    assert apart(module, x) < ROUNDING
    assert "ops.repeat(" in translated(module, x).source
