"""Reshapes, transposes, slices, joins, splits and repetitions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from placed import MAP, behind, drawn, plain
from translated import ROUNDING, apart

ANY: dict[str, Callable] = {
    "flatten": lambda x: x.flatten(1),
    "flatten the last": lambda x: x.flatten(-2),
    "unflatten": lambda x: x.unflatten(-1, (1, x.shape[-1])),
    "view": lambda x: x.view(x.shape[0], -1),
    "reshape the rows": lambda x: x.reshape(-1, x.shape[-1]),
    "transpose": lambda x: x.transpose(1, 2),
    "transpose to the last": lambda x: x.transpose(1, -1),
    "permute": lambda x: x.permute(0, *range(2, x.dim()), 1),
    "movedim": lambda x: x.movedim(1, -1),
    "swapaxes": lambda x: x.swapaxes(-1, 1),
    "mT": lambda x: x.mT,
    "unsqueeze": lambda x: [x.unsqueeze(1), x.unsqueeze(2), x.unsqueeze(-1), x.unsqueeze(-2)],
    "squeeze": lambda x: [x[:, :1].squeeze(1), x[..., :1].squeeze(-1), x[:, :1].squeeze()],
    "cat": lambda x: torch.cat([x, x.cos(), x[:, :1]], 1),
    "cat at the end": lambda x: torch.cat([x, x.cos()], -1),
    "stack": lambda x: [torch.stack([x, x.cos()], 1), torch.stack([x, x.cos()], -1), torch.stack([x, x.cos()], 2)],
    "split": lambda x: list(x.split(2, 1)),
    "split unevenly": lambda x: list(x.split([1, x.shape[1] - 1], 1)),
    "chunk": lambda x: list(x.chunk(2, -1)),
    "tensor_split": lambda x: list(x.tensor_split(3, -1)),
    "unbind": lambda x: list(x.unbind(1)),
    "unbind the last": lambda x: list(x.unbind(-1)),
    "select": lambda x: [x[:, 0], x[:, -1], x[..., 1], x.select(2, -2)],
    "slice": lambda x: [x[:, 1:], x[:, :-1], x[..., ::2], x[:, 1:3, 1:], x[:, -2:]],
    "narrow": lambda x: [x.narrow(1, 1, 2), x.narrow(-1, 0, 2)],
    "expand": lambda x: x[:, :1].expand(-1, 4, *x.shape[2:]),
    "expand to more axes": lambda x: x.cos().unsqueeze(1).expand(-1, 2, *[-1] * (x.dim() - 1)),
    "expand_as": lambda x: x.mean(1, keepdim=True).expand_as(x),
    "repeat": lambda x: x.repeat(1, 2, *[3] * (x.dim() - 2)),
    "repeat rows": lambda x: x.repeat(2, *[1] * (x.dim() - 1)),
    "tile": lambda x: x.tile(2),
    "roll": lambda x: [x.roll(1, 1), x.roll((1, -2), (1, 2)), x.roll(-1, -1)],
    "flip": lambda x: [x.flip(1), x.flip((1, 2)), x.flip(-1)],
    "rot90": lambda x: [torch.rot90(x, 1, (1, 2)), torch.rot90(x, -1, (-2, -1))],
    "pad": lambda x: torch.nn.functional.pad(x, (1, 2)),
    "pad with a number": lambda x: torch.nn.functional.pad(x, (1, 0, 0, 2), value=-1.5),
    "cut": lambda x: torch.nn.functional.pad(x, (-1, 1, 2, -1)),
    "atleast_3d": torch.atleast_3d,
    "hstack": lambda x: torch.hstack([x, x.cos()]),
    "narrow copies": lambda x: x.clone().contiguous().detach(),
    "ravel": lambda x: [torch.ravel(row) for row in x.mean(1)[:, None].unbind(1)],
    "atleast": lambda x: [torch.atleast_3d(x.flatten(1)), torch.atleast_2d(x), torch.atleast_1d(x)],
    "adjoint": lambda x: [x.adjoint(), x.mH],
    "splits": lambda x: [*torch.hsplit(x, [1, 3]), *torch.dsplit(x, [1])],
    "diagonal": lambda x: [x.diagonal(0, 1, 2), x.diagonal(1, -2, -1), x.diagonal(-1, 2, 1)],
    "meshgrid": lambda x: x * torch.stack(torch.meshgrid(*(torch.arange(n) for n in x.shape[-2:]), indexing="ij"))[0],
}


@pytest.mark.parametrize("name", ANY)
def test_shapes(name: str) -> None:
    plain(ANY[name])
    behind(ANY[name])


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_other_types(dtype: str) -> None:
    plain(lambda x: [x.transpose(1, 2), x.repeat(1, 2, 1), torch.cat([x, x], 1), x[:, 1:], x.flip(1)], dtype)


class Tiled(torch.nn.Module):
    """A trained map that is laid side by side, and added to another."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.tile = torch.nn.Conv2d(3, 4, 2), torch.nn.Parameter(torch.tensor(drawn((1, 4, 3, 2))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x) + self.tile.tile(1, 1, 2, 4)


def test_a_map_side_by_side() -> None:
    assert apart(Tiled(), drawn(MAP)) < ROUNDING


def test_one_row_is_repeated() -> None:
    """A value that is there once for all rows, beside others."""
    plain(lambda x: torch.cat([torch.arange(3.0).repeat(x.shape[0], 2, 1), x], 1))
    plain(lambda x: torch.cat([torch.arange(3.0).expand(x.shape[0], 1, 3), x], 1))


def _rows_second(x: torch.Tensor, *shape: int) -> torch.Tensor:
    """Numbers with a row for each of the batch along the second axis."""
    count = torch.Size(shape).numel()
    numbers = torch.arange(float(count)).reshape(shape[0], 1, *shape[1:])
    return numbers.repeat(1, x.shape[0], *(1 for _ in shape[1:]))


def test_one_row_is_repeated_along_the_second_axis() -> None:
    """A value that is there once for all rows, which lie behind another axis."""
    plain(lambda x: torch.cat([_rows_second(x, 4, 3), x.transpose(0, 1)], 0))
    plain(lambda x: torch.cat([_rows_second(x, x.shape[1], 2), x.transpose(0, 1)], -1))
    plain(lambda x: torch.stack([_rows_second(x, *x.shape[1:]), x.transpose(0, 1)], 1))
    plain(lambda x: [torch.stack([x.transpose(0, 1), _rows_second(x, *x.shape[1:])], dim) for dim in (2, -1)])
    plain(lambda x: _rows_second(x, 5, 3).reshape(-1, 3) * x.transpose(0, 1).reshape(-1, 3))
    plain(lambda x: [x, _rows_second(x, 4, 2)])


def test_one_of_several_values_that_shapes_alone_tell() -> None:
    plain(lambda x: x + torch.meshgrid(torch.linspace(-1, 1, 5), torch.linspace(0, 1, 3), indexing="ij")[1])
    plain(lambda x: x * torch.arange(10.0).split(5)[1][:, None])
