"""Maps with numbers put back where they were taken from, as networks for segmentation do."""

from __future__ import annotations

import pytest
import torch
from placed import drawn
from torch import nn
from translated import ROUNDING, apart, translated

from homolog.errors import Unsupported

X = drawn((2, 3, 11, 14))


class There(nn.Module):
    """Pooled, and put back behind a layer, or as it is."""

    def __init__(self, *, size: tuple[int, int] = (2, 3), conv: bool = True, relu: bool = False) -> None:
        super().__init__()
        self.before = nn.Conv2d(3, 4, 1) if conv else nn.Identity()
        self.between = nn.Conv2d(4, 4, 3, padding=1) if conv else nn.Identity()
        self.size, self.relu = size, relu

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.before(x)
        x = torch.relu(x) if self.relu else x
        y, places = nn.functional.max_pool2d(x, self.size, return_indices=True)
        back = nn.functional.max_unpool2d(self.between(y), places, self.size, output_size=x.shape[-2:])
        return [back, places, y.mean((2, 3))]


@pytest.mark.parametrize("settings", [{}, {"conv": False}, {"size": (3, 2)}, {"size": (11, 7)}], ids=str)
def test_numbers_are_put_back_where_the_largest_stood(settings: dict) -> None:
    torch.manual_seed(0)
    assert apart(There(**settings), X) <= ROUNDING


def test_of_several_largest_it_is_the_first() -> None:
    torch.manual_seed(0)
    assert apart(There(relu=True), X) <= ROUNDING


class Other(nn.Module):
    """Put into a map of another size than that which was pooled, or by windows of another kind."""

    def __init__(self, size: tuple[int, int], stride: int) -> None:
        super().__init__()
        self.size, self.stride = size, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, places = nn.functional.max_pool2d(x, 2, stride=self.stride, return_indices=True)
        return nn.functional.max_unpool2d(y, places, 2, stride=self.stride, output_size=self.size)


@pytest.mark.parametrize(("size", "stride"), [((10, 15), 2), ((11, 14), 1)], ids=["wider", "windows that overlap"])
def test_what_windows_side_by_side_do_not_tell_is_refused(size: tuple[int, int], stride: int) -> None:
    with pytest.raises(Unsupported, match=r"side by side"):
        translated(Other(size, stride), X)
