"""A batch norm at inference is exported as one operator, and computes what it did."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from homolog.pytorch.program import trace
from homolog.pytorch.quick import quick_norms


def normed(affine: bool = True) -> torch.nn.BatchNorm2d:
    norm = torch.nn.BatchNorm2d(5, eps=0.03, momentum=0.2, affine=affine).eval()
    with torch.no_grad():
        norm.running_mean.copy_(torch.linspace(-1, 2, 5))  # type: ignore[union-attr]
        norm.running_var.copy_(torch.linspace(0.3, 4, 5))  # type: ignore[union-attr]
        if affine:
            norm.weight.copy_(torch.linspace(0.5, -1.5, 5))
            norm.bias.copy_(torch.linspace(3, -1, 5))
    return norm


@pytest.mark.parametrize("affine", [True, False])
def test_it_gives_the_same(affine: bool) -> None:
    norm, image = normed(affine), torch.linspace(-3, 3, 2 * 5 * 3 * 4).reshape(2, 5, 3, 4)
    expected = norm(image)
    with quick_norms(), torch.no_grad():
        assert torch.equal(norm(image), expected)


def test_in_training_it_is_left_alone() -> None:
    one, two, image = normed().train(), normed().train(), torch.randn(4, 5, 3, 3)
    expected = one(image)
    with quick_norms():
        assert torch.equal(two(image), expected)
    assert torch.equal(one.running_mean, two.running_mean)  # type: ignore[arg-type]


def test_the_trace_has_it_with_its_settings() -> None:
    (step,) = (s for s in trace(normed(), [np.zeros((2, 5, 4, 3), np.float32)]).steps.values() if s.layer is not None)
    assert step.operator == "batch_norm"
    assert step.layer is not None
    assert step.layer.fields["eps"] == 0.03
    assert step.layer.fields["momentum"] == 0.2
    assert step.shape == (None, 5, 4, 3)
