"""Places that are cut off behind a convolution."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from homolog.passes.simpler import crops
from homolog.trace import Trace
from passes.maps_last import Net, traced

Forward = Callable[[nn.Module, Tensor], Tensor]

CUT: dict[str, tuple[Forward, tuple[tuple[int, int], ...]]] = {
    "behind": (lambda self, x: self.conv(x)[:, :, :-4], ((4, 0),)),
    "in front": (lambda self, x: self.conv(x)[:, :, 3:], ((1, 4),)),
    "both": (lambda self, x: self.conv(x)[:, :, 1:-2], ((3, 2),)),
    "copied": (lambda self, x: self.conv(x)[:, :, :-4].contiguous() * 2, ((4, 0),)),
    "twice": (lambda self, x: self.conv(x)[..., :-1][..., :-2], ((4, 1),)),
}
STAYS: dict[str, Forward] = {
    "more than the padding": lambda self, x: self.conv(x)[:, :, :-5],
    "every other": lambda self, x: self.conv(x)[:, :, ::2],
    "channels": lambda self, x: self.conv(x)[:, :-1],
    "read by another": lambda self, x: (y := self.conv(x))[:, :, :-4] * y.mean(),
}


def of(forward: Forward, **settings: int) -> Trace:
    torch.manual_seed(0)
    return crops(traced(Net(forward, conv=nn.Conv1d(7, 6, 3, padding=4, **settings)), 7, 13))


def paddings(found: Trace) -> list[object]:
    return [step.layer.fields["padding"] for step in found.steps.values() if step.layer is not None]


def slices(found: Trace) -> int:
    return sum(step.operator == "slice" for step in found.steps.values())


@pytest.mark.parametrize("name", CUT)
def test_what_is_cut_off_is_not_padded(name: str) -> None:
    forward, padding = CUT[name]
    found = of(forward, dilation=2)
    assert (paddings(found), slices(found)) == ([padding], 0)


@pytest.mark.parametrize("name", STAYS)
def test_what_is_no_padding_stays(name: str) -> None:
    found = of(STAYS[name], dilation=2)
    assert paddings(found) == [((4, 4),)]
    assert slices(found)


def test_behind_a_stride_it_stays() -> None:
    found = of(lambda self, x: self.conv(x)[:, :, :-1], stride=2)
    assert paddings(found) == [((4, 4),)]
    assert slices(found)
