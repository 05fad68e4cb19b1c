"""What picks numbers by their places, or puts numbers there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from placed import One, Two, apart_by, drawn
from translated import ROUNDING, apart, translated

from homolog.errors import Unsupported

X = drawn((2, 5, 3))
MAP = drawn((2, 5, 3, 4))
IDS = np.array([[0, 4, -5, 2], [3, -1, 1, 0]])
"""Places among five, some counted from the end."""
FRONT = np.abs(IDS)
FRONT[FRONT == 5] = 4
CONSTANT = torch.tensor([[3, -1], [0, 2], [2, 2]])
MASK = torch.tensor([True, False, True, True, False])
TABLE = torch.tensor(drawn((5, 6)))


def rows(x: torch.Tensor) -> torch.Tensor:
    return torch.arange(x.shape[0])


PICKS: dict[str, tuple[Callable, tuple]] = {
    "constant places": (lambda x: x[:, CONSTANT], (X,)),
    "constant places of the last axis": (lambda x: x[..., torch.tensor([2, 0, -1, 1])], (X,)),
    "constant places of two axes": (lambda x: x[:, CONSTANT[:, 0], torch.tensor([0, -1, 2])], (MAP,)),
    "constant places of axes apart": (lambda x: x[0][torch.tensor([4, -5, 2]), :, torch.tensor([0, -1, 2])], (MAP,)),
    "constant mask": (lambda x: x[:, MASK], (X,)),
    "rows of a constant": (lambda ids: TABLE[ids], (IDS,)),
    "of each row its own": (lambda x, ids: x[rows(x), ids[:, 1]], (X, IDS)),
    "of each row several": (lambda x, ids: x[rows(x)[:, None], ids], (MAP, IDS)),
    "of each row several of two axes": (
        lambda x, ids: x[rows(x)[:, None], ids, (ids % 3)[:, :1] - 3],
        (MAP, IDS),
    ),
    "of each row the same": (lambda x: x[rows(x)[:, None], torch.tensor([4, 0, -1])], (X,)),
    "of each row all": (lambda x: x[rows(x)[:, None, None], torch.arange(5)[None, None, :]], (X,)),
    "of each row the last that is not zero": (
        lambda x, ids: x[rows(x), ids.ne(0).int().cumsum(1).argmax(1)],
        (X, FRONT),
    ),
    "of a map that lies channels-last": (
        lambda x: torch.nn.functional.max_pool2d(x, 2, 1)[:, torch.tensor([4, 0, 0])],
        (MAP,),
    ),
    "index_select": (lambda x: x.index_select(1, torch.tensor([4, 0, 0, 3])), (X,)),
    "gather": (lambda x, ids: x.gather(1, ids[:, :, None].expand(-1, -1, 3)), (X, FRONT)),
    "gather of a part": (lambda x, ids: x.gather(1, ids[:, :3, None].expand(-1, -1, 2)), (X, FRONT)),
    "gather of one of another axis": (lambda x, ids: x.gather(1, ids[:, :, None]), (X, FRONT)),
    "gather at constant places": (
        lambda x: x.gather(1, torch.tensor([[[1, 0, 4]]]).expand(x.shape[0], -1, -1)),
        (X,),
    ),
    "take_along_dim": (lambda x: x[0].take_along_dim(x[1].argsort(0), 0) + x[:, :1], (X,)),
    "scatter a number": (lambda x, ids: x[:, :, 0].scatter(1, ids[:, 1:3], 7.0), (X, FRONT)),
    "scatter the last of several": (
        lambda x, ids: x.scatter(1, ids[:, :, None].expand(-1, -1, 3), x[:, :4].exp()),
        (X, FRONT),
    ),
    "scatter_add": (lambda x, ids: x.scatter_add(1, ids[:, :, None].expand(-1, -1, 3), x[:, :4].exp()), (X, FRONT)),
    "scatter_add to zeros": (
        lambda x, ids: torch.zeros(x.shape[0], 5, 3).scatter_add(1, ids[:, :, None].expand(-1, -1, 3), x[:, :4].exp()),
        (X, FRONT),
    ),
    "index_add": (lambda x: x.index_add(1, torch.tensor([3, 0, 3]), x[:, :3].exp()), (X,)),
    "index_add at the end, times a number": (
        lambda x: x.index_add(-1, torch.tensor([2, 0, 2, 1]), x[:, :, :1].exp().repeat(1, 1, 4), alpha=-0.5),
        (X,),
    ),
    "index_add to zeros, at places that are computed": (
        lambda x, ids: (
            torch.zeros(x.shape[0], 7, 3).index_add(1, torch.arange(4) * 2, x[:, :4].exp()) + ids[:, :1, None]
        ),
        (X, FRONT),
    ),
    "index_add of what is infinite for some": (
        lambda x: x.index_add(1, torch.tensor([3, 0, 3]), torch.log(x[:, :3].relu())),
        (X,),
    ),
    "index_add of large whole numbers": (
        lambda ids: ids.index_add(1, torch.tensor([2, 2]), ids[:, 1:3] * 16777216 + 1) % 1024,
        (FRONT,),
    ),
    "index_add of whole numbers": (lambda ids: ids.index_add(1, torch.tensor([2, 2]), ids[:, 1:3]), (IDS,)),
    "put together": (
        lambda x: torch.ops.aten.index_put(x, [None, torch.tensor([3, -2, 0])], x[:, :3].exp(), accumulate=True),
        (X,),
    ),
    "put together along the last axis of a map": (
        lambda x: torch.ops.aten.index_put(x, [None, None, None, torch.tensor([3, 3])], x[..., :2], accumulate=True),
        (MAP,),
    ),
    "put where a mask holds": (lambda x: torch.index_put(x, [x > 0.5], torch.tensor(2.0)), (X,)),
    "put where a mask of fewer axes holds": (
        lambda x: torch.index_put(x, [x[..., 0] > 0.5], torch.tensor(2.0)),
        (X,),
    ),
    "put at constant places": (
        lambda x: torch.ops.aten.index_put(x, [None, torch.tensor([3, -5])], x[:, :2].exp()),
        (X,),
    ),
    "put one at constant places": (lambda x: torch.ops.aten.index_put(x, [None, torch.tensor([3, 1])], x[:, :1]), (X,)),
    "put at one place of each row": (
        lambda x, ids: torch.index_put(x, [rows(x), ids[:, 0]], x[:, 1] * 2),
        (X, FRONT),
    ),
    "slice_scatter": (lambda x: torch.slice_scatter(x, x[:, :2].exp(), 1, 1, 3), (X,)),
    "slice_scatter to the end": (lambda x: torch.slice_scatter(x, x[:, :2].exp(), 1, -2), (X,)),
    "slice_scatter into what is once for all rows": (
        lambda x: torch.slice_scatter(torch.ones(x.shape[0], 5, 3), x[:, :2].exp(), 1, 1, 3),
        (X,),
    ),
    "slice_scatter of what is once for all rows": (
        lambda x: torch.slice_scatter(x, torch.ones(x.shape[0], 2, 3), 1, 1, 3),
        (X,),
    ),
    "select_scatter into what is once for all rows": (
        lambda x: torch.select_scatter(torch.ones(x.shape[0], 5, 3), x[:, 2].exp(), 1, -1),
        (X,),
    ),
    "select_scatter": (lambda x: torch.select_scatter(x, x[:, 2].exp(), 1, -1), (X,)),
    "one_hot": (lambda ids: torch.nn.functional.one_hot(ids, 6), (FRONT,)),
    "repeat_interleave": (lambda x: x.repeat_interleave(4, 1), (X,)),
    "repeat_interleave of the batch": (lambda x: x.repeat_interleave(2, 0), (X,)),
    "tril": (lambda x: x.tril(-1), (MAP,)),
    "triu": (lambda x: x.triu(1), (MAP,)),
}


@pytest.mark.parametrize("name", PICKS)
def test_picked(name: str) -> None:
    function, given = PICKS[name]
    assert apart_by(function, *given) < ROUNDING


def test_each_row_of_what_has_rows_all_alike_is_a_constant() -> None:
    def positions(x: torch.Tensor) -> torch.Tensor:
        ids = torch.arange(5).expand(x.shape[0], 5)
        return x + ids[rows(x)[:, None], torch.arange(5)[None]][:, :, None]

    assert apart(One(positions), X) < ROUNDING
    assert "take" not in translated(One(positions), X).source


def test_numbers_of_the_rows_are_there_where_they_are_needed() -> None:
    assert apart(One(lambda x: x + rows(x)[:, None, None]), X) < ROUNDING
    assert "cumsum" not in translated(Two(lambda x, ids: x[rows(x), ids[:, 0]]), X, IDS).source


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.scatter_reduce(1, torch.zeros(2, 5, 3, dtype=torch.long), x, "amax"),
        lambda x: torch.ops.aten.index_put(x, [torch.tensor([1, 1])], x[:2], accumulate=True),
        lambda x: torch.ops.aten.index_put(x, [None, torch.tensor([3, 3])], x[:, :1], accumulate=True),
        lambda x: torch.ops.aten.index_put(
            x, [None, torch.tensor([3, 3]), torch.tensor([1, 1])], x[:, :2, 0], accumulate=True
        ),
        lambda x: x.index_add(0, torch.zeros(x.shape[0], dtype=torch.long), x),
        lambda x: (x > 0).index_add(1, torch.tensor([3, 0]), x[:, :2] > 0),
        lambda x: x.to(torch.int8).index_add(1, torch.tensor([3, 0]), x[:, :2].to(torch.int8)),
    ],
)
def test_what_cannot_be_written_is_refused(function: Callable) -> None:
    with pytest.raises(Unsupported):
        translated(One(function), X)
