"""The cheapest order of axes for a network whose maps have their channels last, written for PyTorch."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from homolog.passes.orders import orders
from homolog.passes.others import others
from homolog.passes.ways import Order, fits, is_flat, natural
from homolog.trace import CONSTANT, PARAMETER, Trace
from passes.maps_last import (
    Attention,
    Last,
    Net,
    Next,
    Recurrent,
    Scale,
    channels_first,
    channels_last,
    conv,
    conv1d,
    traced,
)

FIRST = (0, 3, 1, 2)
IMAGE = (11, 13, 3)
TEXT = (20, 3)
F = nn.functional


def moves(trace: Trace, found: dict[str, Order]) -> list[str]:
    """The steps that read a value in another order than it has, once for each such value."""
    read = [
        (step, place, value)
        for step in trace.steps.values()
        for place, value in enumerate(step.values())
        if trace.steps[value.node].operator not in (PARAMETER, CONSTANT)
    ]
    return [
        step.name
        for step, place, value in read
        if not fits(step, trace.shape(value), _order(trace, found, value), place, found[step.name], "pytorch")
    ]


def _order(trace: Trace, found: dict[str, Order], value: Any) -> Order:
    order, rank = found[value.node], len(trace.shape(value))
    return order if len(order) == rank else natural(rank)


def chosen(module: nn.Module, *shape: int, keep: bool = False) -> tuple[Trace, dict[str, Order], list[str]]:
    trace = traced(module, *shape)
    found = orders(trace, keep=keep, target="pytorch")
    return trace, found, moves(trace, found)


def ends(trace: Trace, found: dict[str, Order]) -> list[Order]:
    return [found[step.name] for step in trace.inputs] + [found[value.node] for value in trace.outputs.values()]


def excited(self: Any, x: Tensor) -> Tensor:
    x = self.conv(x)
    squeezed = x.mean((1, 2)).reshape(-1, 1, 1, 5)
    return self.last(x * torch.sigmoid(self.wide(torch.relu(self.narrow(squeezed)))))


def attended(self: Any, x: Tensor) -> Tensor:
    x = self.conv(x)
    both = torch.cat([x.mean(3, keepdim=True), x.amax(3, keepdim=True)], 3)
    return self.last(x * torch.sigmoid(self.where(both)))


def branches(self: Any, x: Tensor) -> Tensor:
    padded = F.pad(x, [0, 0, 1, 2, 2, 1])[:, 2:-1, 1:-2]
    return self.last(torch.cat([self.one(x), self.two(x), padded], 3))


def parts(self: Any, x: Tensor) -> Tensor:
    a, b, c = self.conv(x).split([2, 1, 2], 3)
    return self.last(torch.cat([c, a * b], -1))


def up_and_down(self: Any, x: Tensor) -> Tensor:
    fine = self.conv(x)
    coarse = self.up(self.inner(self.down(fine)))
    return torch.softmax(self.last(torch.cat([fine, coarse.repeat_interleave(2, 1).repeat_interleave(2, 2)], -1)), -1)


def causal(self: Any, x: Tensor) -> Tensor:
    y = self.two(F.pad(torch.relu(self.one(F.pad(x, [0, 0, 2, 0]))), [0, 0, 4, 0]))
    return self.dense((y + self.same(x)).amax(1))


def frames(self: Any, x: Tensor) -> Tensor:
    y = self.conv(x.reshape(-1, 11, 13, 3)).reshape(-1, 6, 9, 11, 5)
    y = self.two(torch.relu(y).reshape(-1, 9, 11, 5))
    return self.recurrent(y.mean((1, 2)).reshape(-1, 6, 4))


MAPS = {
    "chain": (lambda: nn.Sequential(conv(3, 5), nn.ReLU(), conv(5, 7)), IMAGE),
    "lenet": (
        lambda: nn.Sequential(
            *(conv(3, 5), nn.Tanh(), Last(nn.AvgPool2d(2)), conv(5, 7), nn.Tanh(), nn.Flatten()),
            *(nn.Dropout(), nn.Linear(42, 6), nn.ReLU(), nn.Linear(6, 4)),
        ),
        IMAGE,
    ),
    "mean of places": (lambda: Net(lambda s, x: s.d(s.c(x).mean((1, 2))), c=conv(3, 5), d=nn.Linear(5, 4)), IMAGE),
    "mean that stays": (
        lambda: Net(lambda s, x: s.d(s.c(x).mean((1, 2), True).flatten(1)), c=conv(3, 5), d=nn.Linear(5, 4)),
        IMAGE,
    ),
    "squeeze and excite": (
        lambda: Net(excited, conv=conv(3, 5), narrow=conv(5, 2, 1), wide=conv(2, 5, 1), last=conv(5, 4)),
        IMAGE,
    ),
    "channels and places attended": (
        lambda: Net(attended, conv=conv(3, 5), where=conv(2, 1, padding=1), last=conv(5, 4)),
        IMAGE,
    ),
    "scale": (lambda: nn.Sequential(conv(3, 5), Scale(5), conv(5, 4)), IMAGE),
    "computed scale": (lambda: nn.Sequential(conv(3, 5), Scale(5, positive=True), conv(5, 4)), IMAGE),
    "norms": (
        lambda: nn.Sequential(
            *(conv(3, 6), Last(nn.BatchNorm2d(6)), nn.ReLU(), Last(nn.GroupNorm(2, 6)), Last(nn.InstanceNorm2d(6))),
            *(Last(nn.PReLU(6)), conv(6, 4)),
        ),
        IMAGE,
    ),
    "branches": (lambda: Net(branches, one=conv(3, 5, padding=1), two=conv(3, 4, 1), last=conv(12, 6)), IMAGE),
    "parts": (lambda: Net(parts, conv=conv(3, 5), last=conv(4, 6)), IMAGE),
    "up and down": (
        lambda: Net(
            up_and_down,
            conv=conv(3, 5, padding=1),
            down=Last(nn.MaxPool2d(4)),
            inner=conv(5, 4, padding=1),
            up=Last(nn.Upsample(scale_factor=2)),
            last=conv(9, 6, 1),
        ),
        (12, 16, 3),
    ),
    "transposed": (
        lambda: nn.Sequential(Last(nn.ConvTranspose2d(3, 5, 3, 2)), Last(nn.ConvTranspose2d(5, 4, 2))),
        IMAGE,
    ),
    "depthwise, several filters each": (lambda: nn.Sequential(conv(3, 6, groups=3), nn.GELU(), conv(6, 4, 1)), IMAGE),
    "mirrored borders": (
        lambda: nn.Sequential(
            conv(3, 5),
            Net(lambda s, x: channels_last(F.pad(channels_first(x), (1, 2, 2, 1), mode="reflect"))),
            conv(5, 4),
        ),
        IMAGE,
    ),
    "borders mirrored among the source's axes": (
        lambda: nn.Sequential(conv(3, 5), nn.ReLU(), Last(nn.ReflectionPad2d((1, 2, 2, 1))), conv(5, 4)),
        IMAGE,
    ),
    "volumes": (
        lambda: nn.Sequential(
            *(Last(nn.Conv3d(3, 5, 3)), nn.ReLU(), Last(nn.MaxPool3d(2)), Last(nn.BatchNorm3d(5))),
            *(Last(nn.Conv3d(5, 4, 2)), nn.Flatten(), nn.Linear(24, 3)),
        ),
        (10, 9, 7, 3),
    ),
    "sequences of one axis": (
        lambda: nn.Sequential(
            *(conv1d(3, 5), nn.ReLU(), Last(nn.MaxPool1d(2)), Last(nn.BatchNorm1d(5)), conv1d(5, 4)),
            *(nn.Flatten(), nn.Linear(28, 3)),
        ),
        TEXT,
    ),
    "causal": (
        lambda: Net(
            causal,
            one=conv1d(3, 5),
            two=conv1d(5, 5, dilation=2),
            same=conv1d(3, 5, 1),
            dense=nn.Linear(5, 2),
        ),
        TEXT,
    ),
    "frames": (
        lambda: Net(frames, conv=conv(3, 5), two=conv(5, 4), recurrent=Recurrent(4, 2)),
        (6, *IMAGE),
    ),
}


@pytest.mark.parametrize("name", MAPS)
def test_maps_lie_channels_first_and_nothing_is_moved(name: str) -> None:
    make, shape = MAPS[name]
    trace, found, moved = chosen(make(), *shape)
    assert moved == []
    assert ends(trace, found)[0] == {2: (0, 2, 1), 3: FIRST, 4: (0, 4, 1, 2, 3)}[len(shape)] or name == "frames"


def test_frames_have_their_channels_in_front_of_their_places() -> None:
    make, shape = MAPS["frames"]
    trace, found, _ = chosen(make(), *shape)
    assert ends(trace, found) == [(0, 1, 4, 2, 3), natural(3)]


def test_the_ends_stay_as_they_were_where_that_is_asked_for() -> None:
    trace, found, moved = chosen(MAPS["chain"][0](), *IMAGE, keep=True)
    assert ends(trace, found) == [natural(4), natural(4)]
    assert len(moved) == 2


def test_the_source_s_own_permutations_move_nothing() -> None:
    trace, found, _ = chosen(MAPS["chain"][0](), *IMAGE)
    turned = [found[step.name] for step in trace.steps.values() if step.operator == "permute"]
    assert turned == [natural(4), FIRST, natural(4), FIRST]


def test_a_flattened_map_remembers_the_lengths_that_the_source_has() -> None:
    _, found, _ = chosen(MAPS["lenet"][0](), *IMAGE)
    assert [order for order in found.values() if is_flat(order)] == [(0, (2, 3, 7))] * 2


def test_a_flattened_map_that_is_given_lies_as_the_source_has_it() -> None:
    trace, found, moved = chosen(nn.Sequential(conv(3, 5), nn.Flatten()), *IMAGE)
    assert (ends(trace, found), len(moved)) == ([FIRST, natural(2)], 1)


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_block_of_convnext_has_no_more_permutations_than_pytorch_s_own(blocks: int) -> None:
    module = nn.Sequential(conv(3, 8), *(Next(8) for _ in range(blocks)), conv(8, 5))
    _, _, moved = chosen(module, *IMAGE)
    assert len(moved) == 2 * blocks


def test_of_as_many_permutations_those_of_the_smaller_values_are_chosen() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = self.conv(x)
        factors = torch.sigmoid(self.wide(torch.relu(self.narrow(x.mean((1, 2), keepdim=True)))))
        return self.last(x * factors)

    module = Net(forward, conv=conv(3, 5), narrow=nn.Linear(5, 2), wide=nn.Linear(2, 5), last=conv(5, 4))
    trace, found, moved = chosen(module, *IMAGE)
    assert [trace.steps[name].operator for name in moved] == ["linear", "mul"]
    assert [order for name, order in found.items() if trace.steps[name].shape == (None, 9, 11, 5)] == [FIRST] * 2


@pytest.mark.parametrize(
    ("module", "permutations"),
    [
        (lambda: nn.Sequential(Recurrent(3, 5), Recurrent(5, 4)), 0),
        (lambda: nn.Sequential(nn.Linear(3, 6), Attention(), Attention()), 8),
        (
            lambda: Net(
                lambda s, x: x + s.two(F.gelu(s.one(s.norm(x).permute(0, 2, 1)))).permute(0, 2, 1),
                one=nn.Linear(20, 9),
                two=nn.Linear(9, 20),
                norm=nn.LayerNorm(3),
            ),
            2,
        ),
        (lambda: Net(lambda s, x: s.dense(x).permute(0, 2, 1), dense=nn.Linear(3, 4)), 1),
    ],
    ids=["recurrent", "attention", "mixer", "a permutation of its own"],
)
def test_sequences_that_no_convolution_touches_stay_as_they_were(module: Any, permutations: int) -> None:
    trace, found, moved = chosen(module(), *TEXT)
    assert all(order == natural(len(order)) for order in found.values())
    assert len(moved) == permutations == sum(step.operator == "permute" for step in trace.steps.values())


def test_a_sequence_is_turned_once_between_convolutions_and_a_recurrent_layer() -> None:
    module = nn.Sequential(conv1d(3, 5), nn.ReLU(), conv1d(5, 6), Recurrent(6, 4), nn.Linear(4, 2))
    trace, found, moved = chosen(module, *TEXT)
    assert (ends(trace, found), len(moved)) == ([(0, 2, 1), natural(3)], 1)


def by_time(self: Any, x: Tensor) -> Tensor:
    first, *rest = (self.conv(frame) for frame in x.permute(1, 0, 2, 3, 4).unbind(0))
    return self.last(first + sum(rest))


def test_the_batch_of_an_input_lies_in_front_whatever_the_source_makes_of_it() -> None:
    module = Net(by_time, conv=conv(3, 5), last=conv(5, 4))
    trace, found, moved = chosen(module, 6, *IMAGE)
    assert ends(trace, found) == [natural(5), FIRST]
    assert len(moved) == 1


def shuffled(self: Any, x: Tensor) -> Tensor:
    x = self.conv(x)
    return self.last(x.reshape(-1, 12, 15, 2, 3).permute(0, 1, 2, 4, 3).reshape(-1, 12, 15, 6))


def to_depth(self: Any, x: Tensor) -> Tensor:
    x = self.conv(x).reshape(-1, 6, 2, 5, 3, 6)
    return self.last(x.permute(0, 1, 3, 2, 4, 5).reshape(-1, 6, 5, 36))


def to_space(self: Any, x: Tensor) -> Tensor:
    x = self.conv(x).reshape(-1, 12, 15, 2, 3, 1)
    return self.last(x.permute(0, 1, 3, 2, 4, 5).reshape(-1, 24, 45, 1))


@pytest.mark.parametrize(("function", "channels"), [(shuffled, 6), (to_depth, 36), (to_space, 1)])
def test_what_the_source_moves_is_moved_and_nothing_else(function: Any, channels: int) -> None:
    trace, _, moved = chosen(Net(function, conv=conv(3, 6, padding=1), last=conv(channels, 4)), 12, 15, 3)
    own = [step.name for step in trace.steps.values() if step.operator == "permute" and len(step.shape) > 4]
    assert moved == own


OPERATORS = {
    "conv": lambda: conv(4, 4, padding=1),
    "relu": nn.ReLU,
    "linear": lambda: nn.Linear(4, 4),
    "norm": lambda: Last(nn.BatchNorm2d(4)),
}


@pytest.mark.parametrize("names", [*itertools.permutations(OPERATORS, 3), ("conv", "linear", "relu", "linear")])
def test_no_other_choice_of_orders_moves_less(names: tuple[str, ...]) -> None:
    """All choices between the two orders of every step are tried."""
    trace = traced(nn.Sequential(*(OPERATORS[name]() for name in names)), 6, 5, 4)
    other = others(trace, "pytorch")
    fixed = {*(step.name for step in trace.inputs), *(value.node for value in trace.outputs.values())}
    free = [name for name in other if name not in fixed]
    for keep in (False, True):
        found = orders(trace, keep=keep, target="pytorch")
        tried = [
            {
                **found,
                **{name: other[name] if is_other else natural(4) for name, is_other in zip(free, picked, strict=True)},
            }
            for picked in itertools.product((False, True), repeat=len(free))
        ]
        assert len(moves(trace, found)) == min(len(moves(trace, choice)) for choice in tried)


class Steps(nn.Module):
    """Each step of some rows' frames by itself, put together with the steps in front."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, frames: Tensor) -> Tensor:
        found = [channels_last(self.layer(channels_first(frame))) for frame in frames.unbind(1)]
        return torch.stack(found, dim=0).permute(1, 0, 2, 3, 4)


def test_rows_stay_in_front_where_another_order_would_move_less() -> None:
    trace, found, _ = chosen(Steps(), 5, *IMAGE)
    assert [found[value.node][0] for value in trace.outputs.values()] == [0]
