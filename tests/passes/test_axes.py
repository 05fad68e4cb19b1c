"""Orders of axes."""

from __future__ import annotations

import numpy as np
import pytest

from homolog.passes.axes import (
    Target,
    as_map,
    channels_first,
    channels_last,
    flattened,
    laid,
    natural,
    permuted,
    turned_rows,
    without,
)
from homolog.transforms import apply

IMAGE = (None, 6, 4, 5)
LAST = (0, 2, 3, 1)


def test_channels_last_moves_the_second_axis_behind_all_others() -> None:
    assert [channels_last(rank) for rank in (2, 3, 4, 5)] == [(0, 1), (0, 2, 1), LAST, (0, 2, 3, 4, 1)]
    assert laid(IMAGE, LAST) == (None, 4, 5, 6)


def test_axes_that_go_are_numbered_anew() -> None:
    assert without(LAST, (2,)) == (0, 2, 1)
    assert without(LAST, (2, 3)) == (0, 1)


def test_channels_first_moves_the_last_axis_in_front_of_the_places() -> None:
    assert [channels_first(rank) for rank in (2, 3, 4, 5)] == [(0, 1), (0, 2, 1), (0, 3, 1, 2), (0, 4, 1, 2, 3)]
    assert all(permuted(channels_first(rank), channels_first(rank)) == natural(rank) for rank in range(2, 6))
    assert all(permuted(natural(rank), channels_last(rank)) == channels_first(rank) for rank in range(2, 6))


@pytest.mark.parametrize("target", ["keras", "pytorch"])
@pytest.mark.parametrize("shape", [(None, 6, 4, 5), (None, 7, 3), (None, 2, 3, 5, 4)])
def test_the_rows_of_a_matrix_follow_the_map_that_it_reads(target: Target, shape: tuple[int | None, ...]) -> None:
    order = flattened(shape, target)
    assert order == (0, shape[1:])
    random = np.random.default_rng(0)
    x = random.standard_normal((2, *shape[1:]))  # type: ignore[misc]
    matrix = random.standard_normal((8, x[0].size))
    lying = x.transpose(as_map(len(shape), target)).reshape(2, -1)
    (turned,) = apply((turned_rows(order, target),), (matrix,))
    np.testing.assert_allclose(lying @ turned.T, x.reshape(2, -1) @ matrix.T, rtol=1e-12)


@pytest.mark.parametrize(
    ("target", "shapes"),
    [
        ("keras", [(None, 6, 1, 1), (None, 1, 4, 5)]),
        ("pytorch", [(None, 1, 1, 6), (None, 4, 5, 1)]),
    ],
)
def test_a_map_of_one_place_or_one_channel_has_but_one_order(
    target: Target, shapes: list[tuple[int | None, ...]]
) -> None:
    assert [flattened(shape, target) for shape in shapes] == [natural(2)] * 2
    assert flattened((None, 6, None, 5), target) is None
