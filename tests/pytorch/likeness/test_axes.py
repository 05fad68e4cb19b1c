"""Permutations between the two places of channels: none is made twice."""

from __future__ import annotations

import torch

from homolog.pytorch.likeness.axes import channels_second


def test_what_was_turned_back_is_not_turned_again() -> None:
    value = torch.arange(2 * 3 * 5 * 7).reshape(2, 3, 5, 7)
    seen: list[torch.Tensor] = []
    given: list[torch.Tensor] = []

    def apply(maps: torch.Tensor) -> torch.Tensor:
        seen.append(maps)
        given.append(maps * 2)
        return given[-1]

    once = channels_second(value, -1, apply)
    twice = channels_second(once, 3, apply)

    assert torch.equal(twice, value * 4)
    assert seen[0].shape == (2, 7, 3, 5)
    assert seen[1] is given[0]


def test_channels_on_another_axis_are_turned() -> None:
    value = torch.arange(2 * 3 * 5 * 7).reshape(2, 3, 5, 7)

    made = channels_second(channels_second(value, -1, lambda maps: maps[:, :4]), 2, lambda maps: maps.flip(1))

    assert torch.equal(made, value[..., :4].flip(2))
