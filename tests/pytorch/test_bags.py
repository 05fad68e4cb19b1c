"""Bags of ids of one length are a lookup and what joins the rows; the function stays what it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from homolog.pytorch.bags import plain_bags
from homolog.pytorch.program import trace

IDS = torch.tensor([[3, 1, 1, 4], [1, 5, 2, 2], [1, 1, 1, 1]])
WEIGHTS = torch.tensor([[0.5, 2.0, -1.0, 3.0], [1.0, 1.0, 0.25, -2.0], [1.0, 2.0, 3.0, 4.0]])


class Weighed(nn.Module):
    """A bag whose ids count differently."""

    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(7, 5, mode="sum", padding_idx=1)

    def forward(self, ids: Tensor) -> Tensor:
        found: Tensor = self.bag(ids, per_sample_weights=WEIGHTS[: ids.shape[0]])
        return found


@pytest.mark.parametrize("padding", [None, 1, -6])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_a_bag_is_what_it_was(mode: str, padding: int | None) -> None:
    bag = nn.EmbeddingBag(7, 5, mode=mode, padding_idx=padding)
    expected = bag(IDS)
    with plain_bags():
        assert torch.allclose(bag(IDS), expected, atol=1e-7)


def test_weights_of_each_id() -> None:
    module = Weighed()
    expected = module(IDS)
    with plain_bags():
        assert torch.allclose(module(IDS), expected, atol=1e-6)


def test_bags_end_to_end_are_left_to_pytorch() -> None:
    bag, ids, starts = nn.EmbeddingBag(7, 5), torch.tensor([3, 1, 4, 1, 5]), torch.tensor([0, 2])
    expected = bag(ids, starts)
    with plain_bags():
        assert torch.equal(bag(ids, starts), expected)


def test_the_trace_shows_a_lookup_in_the_layer_s_table() -> None:
    found = trace(nn.Sequential(nn.EmbeddingBag(7, 5, mode="sum")), [np.zeros((2, 4), np.int64)])
    (step,) = [step for step in found.steps.values() if step.layer is not None]
    assert (step.operator, step.layer and step.layer.name) == ("embedding", "0")


def test_pytorch_is_put_back() -> None:
    original = nn.functional.embedding_bag
    with pytest.raises(RuntimeError), plain_bags():
        raise RuntimeError
    assert nn.functional.embedding_bag is original
