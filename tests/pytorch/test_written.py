"""A live module from the text of its file."""

from __future__ import annotations

import torch
from torch import nn

from homolog.pytorch.written import build

TEXT = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 2)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(self.norm(self.convolution(x)))


def build_model() -> nn.Module:
    return Net()
"""


def test_it_is_as_it_is_at_inference() -> None:
    assert not build(TEXT).training


def test_no_weight_is_drawn_and_the_others_are_as_the_layers_set_them() -> None:
    state = build(TEXT).state_dict()
    assert not state["convolution.weight"].any() and not state["convolution.bias"].any()
    assert state["norm.weight"].eq(1).all()


def test_layers_that_are_made_later_draw_theirs() -> None:
    build(TEXT)
    assert nn.Linear(3, 4).weight.detach().ne(0).all()
    assert torch.rand(5).ne(0).any()
