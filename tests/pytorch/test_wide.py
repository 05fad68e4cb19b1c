"""A forward in float64, whatever its code asks for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from homolog.pytorch.run import LiveTorch
from homolog.pytorch.wide import in_float64, widened_copy

X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


class Norm(nn.Module):
    """As norms are written that are to be exact in half precision: by way of float32."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = x.to(torch.float32)
        ramp = torch.arange(3, dtype=torch.float32) / 3
        return self.weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype) + ramp


def test_a_detour_by_float32_is_taken_in_float64() -> None:
    module = Norm()
    found = LiveTorch(module).exact([X])
    assert found is not None
    x, weight = X.astype(np.float64), module.weight.detach().double().numpy()
    expected = weight * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) + np.arange(3) / 3
    np.testing.assert_allclose(found.outputs[0], expected, rtol=1e-14)


def test_half_precision_is_taken_in_float64() -> None:
    class Half(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.half().float() + x.to(torch.bfloat16) * 2

    found = LiveTorch(Half()).exact([X])
    assert found is not None
    assert found.outputs[0].dtype == np.float64
    np.testing.assert_allclose(found.outputs[0], 3 * X.astype(np.float64), rtol=1e-15)


class Cast(nn.Module):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.to(self.dtype).float() * 2


@pytest.mark.parametrize(
    ("module", "halved"),
    [
        (Cast(torch.float16), True),
        (Cast(torch.bfloat16), True),
        (Cast(torch.float32), False),
        (nn.Linear(3, 2).bfloat16(), True),
        (Norm(), False),
    ],
    ids=["float16", "bfloat16", "float32", "weights", "a norm by way of float32"],
)
def test_half_precision_that_a_pass_in_float64_does_not_show_is_said(module: nn.Module, halved: bool) -> None:
    found = LiveTorch(module).exact([X])
    assert found is not None
    assert found.halved is halved


def test_the_default_type_is_put_back() -> None:
    with in_float64():
        assert torch.ones(1).dtype is torch.float64
    assert torch.ones(1).dtype is torch.float32


def test_the_copy_is_in_float64_and_the_module_as_it_was() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    wide = widened_copy(module)
    assert {tensor.dtype for tensor in wide.parameters()} == {torch.float64}
    assert {tensor.dtype for tensor in module.parameters()} == {torch.float32}
    assert wide[0].weight.requires_grad


def test_the_slope_of_a_hard_sigmoid_is_a_sixth() -> None:
    tensor = torch.tensor([-4.0, 0.5, 4.0], dtype=torch.float64, requires_grad=True)
    with in_float64():
        nn.functional.hardsigmoid(tensor).sum().backward()
    assert tensor.grad is not None
    assert tensor.grad.tolist() == [0.0, 1 / 6, 0.0]
