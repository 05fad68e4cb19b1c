"""Every tensor that a trace does not read has a reason, and modules that do nothing are told once."""

from __future__ import annotations

import torch
from torch import nn

from homolog.pytorch.leftovers import ignored, silent
from homolog.pytorch.read import state


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last, self.norm = nn.Linear(3, 5), nn.Linear(3, 5), nn.BatchNorm1d(5)
        self.last.weight = self.first.weight
        self.register_buffer("table", torch.arange(7.0))


def test_each_tensor_that_is_not_read_has_its_own_reason() -> None:
    refs = dict(state(Net()))
    used = ["first.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"]

    found = {ref.name: reason for ref, reason in ignored(refs, used).items()}

    assert found["last.weight"] == "the same tensor as first.weight"
    assert found["first.bias"] == found["last.bias"] == "nothing that the network gives depends on it"
    assert found["table"] == "is in the constants of the model that is written"
    assert "counts" in found["norm.num_batches_tracked"]
    assert found.keys() | set(used) == refs.keys()


def test_the_outermost_module_that_was_never_entered_is_told_with_its_type() -> None:
    types = {
        "": "m.Net",
        "path": "m.Drops",
        "path.inner": "m.Noise",
        "blocks": "torch.nn.Sequential",
        "blocks.0": "torch.nn.ReLU",
        "head": "m.Head",
    }
    assert silent(types, {"", "blocks.0"}, ["head.fc.weight"]) == {"path": "Drops"}
