"""Zeros around a map in front of a convolution."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

from homolog.passes.simpler import margins
from homolog.trace import Trace
from passes.maps_last import Net, conv, traced

IMAGE = (11, 13, 3)
AMOUNTS = [0, 0, 1, 0, 2, 3]
"""Around places that lie in front of the channels, the last first."""


def paddings(trace: Trace) -> list[object]:
    return [step.layer.fields["padding"] for step in trace.steps.values() if step.operator == "conv2d" and step.layer]


def padded(amounts: list[int], *, value: float = 0.0, twice: bool = False) -> Trace:
    def forward(self: nn.Module, x: Tensor) -> Tensor:
        y = nn.functional.pad(x, amounts, value=value)
        return self.conv(y) + y.sum() if twice else self.conv(y)  # type: ignore[operator]

    return margins(traced(Net(forward, conv=conv(3 + sum(amounts[:2]), 4, (3, 2), padding=(1, 2))), *IMAGE))


def test_zeros_in_front_of_the_permutation_before_a_convolution_are_its_own() -> None:
    found = padded(AMOUNTS)
    assert paddings(found) == [((3, 4), (3, 2))]
    assert [step.operator for step in found.steps.values() if step.operator in ("pad", "constant_pad_nd")] == []
    (turned, _) = [step for step in found.steps.values() if step.operator == "permute"]
    assert turned.shape == (None, 3, 11, 13)


def test_zeros_right_in_front_of_a_convolution_are_its_own() -> None:
    module = nn.Sequential(nn.ZeroPad2d((1, 0, 2, 3)), nn.Conv2d(11, 4, (3, 2), padding=(1, 2)))
    assert paddings(margins(traced(module, 11, 13, 3))) == [((3, 4), (3, 2))]


@pytest.mark.parametrize(
    ("amounts", "settings"),
    [(AMOUNTS, {"value": 1.0}), (AMOUNTS, {"twice": True}), ([1, 0, 1, 0, 2, 3], {}), ([0, 0, -1, 0, 2, 3], {})],
    ids=["ones", "read twice", "around the channels", "less than nothing"],
)
def test_what_a_convolution_does_not_do_stays(amounts: list[int], settings: dict[str, bool]) -> None:
    found = padded(amounts, **settings)  # type: ignore[arg-type]
    assert paddings(found) == [((1, 1), (2, 2))]
    assert any(step.operator in ("pad", "constant_pad_nd") for step in found.steps.values())
